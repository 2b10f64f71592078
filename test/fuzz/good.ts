/** Requests as a client that knows its business would send them: valid by the contract, about things that are there. */
import type { Draft } from './draft.ts'
import { type Operation, type Parameter, resolve, type Schema } from './operations.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** A valid request of an operation. */
export function goodRequest(operation: Operation, world: World, random: Random): Draft {
  const wanted = operation.parameters.filter(
    ({ required, in: place }) => required || place === 'path' || random.oneIn(3),
  )
  const of = (place: Parameter['in']) => wanted.filter((parameter) => parameter.in === place)
  const value = (parameter: Parameter) => goodParameter(operation, parameter, world, random)
  const body = goodBody(operation, world, random)
  return {
    operation,
    method: operation.method,
    path: new Map(of('path').map((parameter) => [parameter.name, encodeURIComponent(value(parameter))])),
    query: of('query').map((parameter) => [parameter.name, encodeURIComponent(value(parameter))]),
    headers: [['Authorization', world.authorization], ...of('header').map((p): [string, string] => [p.name, value(p)])],
    body: body?.body ?? null,
    contentType: body?.contentType ?? null,
    chunked: random.oneIn(8),
    expect: { kind: 'any' },
    story: [],
  }
}

const FORM = 'a-form-boundary'

function goodBody(operation: Operation, world: World, random: Random) {
  const { bodyTypes, bodySchema } = operation
  if (bodyTypes.length === 0) return null
  if (bodySchema !== null)
    return {
      body: { json: goodValue(bodySchema, operation.id, operation, world, random) },
      contentType: 'application/json',
    }
  const bytes = Buffer.from('x'.repeat(random.pick([0, 1, 100, 5000])))
  if (random.oneIn(2)) return { body: { bytes }, contentType: 'application/octet-stream' }
  const disposition = 'Content-Disposition: form-data; name="content"; filename="x"'
  const form = Buffer.concat([
    Buffer.from(`--${FORM}\r\n${disposition}\r\nContent-Type: text/csv\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n--${FORM}--\r\n`),
  ])
  return { body: { bytes: form }, contentType: `multipart/form-data; boundary=${FORM}` }
}

function goodParameter(operation: Operation, { name, schema }: Parameter, world: World, random: Random): string {
  if (name === 'Range') return random.pick(['bytes=0-3', 'bytes=-5', 'bytes=2-'])
  if (name === 'If-None-Match') return operation.method === 'GET' ? '"no such tag"' : '*'
  const value = goodValue(resolve(schema), name, operation, world, random)
  return String(Array.isArray(value) ? (value[0] ?? 'a/one.csv') : value)
}

/** A value of a schema; text comes from the world, by the name of the field. */
function goodValue(given: Schema, name: string, operation: Operation, world: World, random: Random): unknown {
  const schema = resolve(given)
  if (schema.enum !== undefined) return random.pick(schema.enum)
  switch (schema.type) {
    case 'boolean':
      // Whatever is forced goes through, and is what could do harm.
      return random.oneIn(2)
    case 'integer':
    case 'number':
      return random.pick([schema.minimum ?? 0, 1, 2, schema.maximum ?? 1_600_000_000])
    case 'array':
      return Array.from({ length: random.below(3) }, () =>
        goodValue(schema.items ?? {}, name, operation, world, random),
      )
    case 'string':
      return goodText(schema, name, operation, world, random)
    default:
      return goodObject(schema, operation, world, random)
  }
}

function goodObject(schema: Schema, operation: Operation, world: World, random: Random): unknown {
  const { properties = {}, required = [], additionalProperties } = schema
  const members = Object.entries(properties)
    .filter(([name]) => required.includes(name) || random.oneIn(2))
    .map(([name, member]) => [name, goodValue(member, name, operation, world, random)])
  if (typeof additionalProperties === 'object')
    for (let left = random.below(3); left > 0; left--)
      members.push([`key-${left}`, goodValue(additionalProperties, 'value', operation, world, random)])
  return Object.fromEntries(members)
}

function goodText(schema: Schema, name: string, { id }: Operation, world: World, random: Random): string {
  if (schema.format === 'date-time') return '2026-01-02T03:04:05Z'
  const doomed = world.doomed[id as keyof World['doomed']]
  const values = doomed?.[name] ?? world.texts[name]
  if (values !== undefined && values.length > 0) return random.pick(values)
  return random.pick(['some text', 'x', 'Zürich', ''.padEnd(1 + random.below(40), 'ab')])
}
