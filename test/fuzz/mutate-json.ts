/** Changes one place in a JSON body. */
import type { Draft } from './draft.ts'
import { nastyText, numbers, ofOtherTypes } from './nasty.ts'
import { resolve, type Schema } from './operations.ts'
import type { Random } from './random.ts'

/** A field of a body: where it stands, and what the contract says of it. */
interface Place {
  readonly name: string
  readonly schema: Schema
  readonly required: boolean
  /** Puts another value there; undefined takes it away. */
  set(value: unknown): unknown
}

/** Every field of a value, the optional ones that are not there included. `put` makes the whole with another value here. */
function places(given: Schema, value: unknown, put: (value: unknown) => unknown): Place[] {
  const { properties = {}, required = [], items } = resolve(given)
  if (items !== undefined && Array.isArray(value))
    return value.flatMap((item, at) => places(items, item, (other) => put(value.with(at, other))))
  if (typeof value !== 'object' || value === null) return []
  const members = value as Record<string, unknown>
  return Object.entries(properties).flatMap(([name, schema]) => {
    const set = (other: unknown) => put({ ...members, [name]: other })
    const own = { name, schema: resolve(schema), required: required.includes(name), set }
    return [own, ...places(schema, members[name], set)]
  })
}

/** Fields that the contract asks for and clients of lakeFS leave out. */
const LENIENT = new Set(['featureUpdates', 'securityUpdates'])

export function mutateJson(draft: Draft, random: Random): boolean {
  const { bodySchema } = draft.operation
  if (bodySchema === null || draft.body === null || !('json' in draft.body)) return false
  const { json } = draft.body
  const all = places(bodySchema, json, (whole) => whole)
  if (all.length === 0 || random.oneIn(10)) {
    const value = random.pick(ofOtherTypes)
    draft.body = { json: value }
    draft.story.push(`body ${JSON.stringify(value)}`)
    return true
  }
  if (random.oneIn(8)) {
    const extra = random.pick(['__proto__', 'constructor', 'toString', 'unknown', '', '\ud800'])
    draft.body = { json: Object.fromEntries([...Object.entries(json as object), [extra, random.pick(ofOtherTypes)]]) }
    draft.story.push(`body with ${JSON.stringify(extra)}`)
    return true
  }
  const place = random.pick(all)
  const { value, certain } = badValue(place, random)
  draft.body = { json: place.set(value) }
  draft.expect = { kind: 'bad', field: place.name, certain: certain && !LENIENT.has(place.name) }
  draft.story.push(`field ${place.name} = ${JSON.stringify(value)?.slice(0, 80)}`)
  return true
}

function badValue({ schema, required }: Place, random: Random): { readonly value: unknown; readonly certain: boolean } {
  if (random.oneIn(5)) return { value: undefined, certain: required }
  const type = schema.type ?? 'object'
  if (random.oneIn(2)) {
    if (type === 'integer' || type === 'number') {
      const value = random.pick(numbers)
      return { value, certain: type === 'integer' && !Number.isInteger(value) }
    }
    if (type === 'string') return badText(schema, nastyText(random))
    if (type === 'object') {
      const key = nastyText(random)
      const value = Object.fromEntries([[key, random.oneIn(2) ? nastyText(random) : random.pick(ofOtherTypes)]])
      return { value, certain: false }
    }
  }
  const value = random.pick(ofOtherTypes)
  // What is optional may be null, as Go's clients send it.
  return { value, certain: typeOf(value) !== type && (value !== null || required) }
}

function badText(schema: Schema, value: string) {
  const wrong = schema.enum !== undefined || (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
  return { value, certain: wrong || /\p{Surrogate}/u.test(value) }
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return typeof value === 'number' ? 'integer' : typeof value
}
