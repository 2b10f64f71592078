import { inertKeys } from './inert-keys.ts'
import type { LeafFacts } from './leaves.ts'
import { schema } from './schema.ts'

/** A key that a configuration may have. */
export interface KnownKey {
  /** Dotted, with `[]` for the items of a list of sections: `blockstores.stores[].s3.region`. */
  readonly pattern: string
  /** Sections, lists of sections and leaves have an effect; inert ones, and all below them, have none yet. */
  readonly form: 'section' | 'sections' | 'leaf' | 'inert'
  /** Of leaves: what it holds, for people. */
  readonly kind: string
  readonly secret: boolean
  /** Of leaves: the default as one would write it; null when there is none. */
  readonly fallback: string | null
}

/** Every known key by pattern, those with an effect first; `''` is the file itself. */
export const knownKeys: ReadonlyMap<string, KnownKey> = new Map([...listKeys()].map((key) => [key.pattern, key]))

/** `blockstores.stores[1].s3` as a pattern. */
export function patternOf(path: string): string {
  return path.replace(/\[\d+\]/g, '[]')
}

/** The key `name` of the section `parent`, both paths or both patterns. */
export function childKey(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`
}

/** What a valibot schema shows of its structure. */
interface Walkable {
  readonly wrapped?: unknown
  readonly default?: unknown
  readonly entries?: Readonly<Record<string, unknown>>
  readonly item?: unknown
  readonly pipe?: readonly unknown[]
  readonly metadata?: unknown
}

function* schemaKeys(schemaHere: Walkable, pattern: string): Generator<KnownKey> {
  const parts = partsOf(schemaHere)
  const plain = { pattern, kind: '', secret: false, fallback: null }
  const entries = parts.find((part) => part.entries !== undefined)?.entries
  const item = parts.find((part) => part.item !== undefined)?.item as Walkable | undefined
  if (entries !== undefined) {
    yield { ...plain, form: 'section' }
    for (const [name, below] of Object.entries(entries)) yield* schemaKeys(below as Walkable, childKey(pattern, name))
  } else if (item !== undefined) {
    yield { ...plain, form: 'sections' }
    yield* schemaKeys(item, `${pattern}[]`)
  } else {
    const facts = parts.find((part) => part.metadata !== undefined)?.metadata as LeafFacts
    const fallback = parts.find((part) => part.default !== undefined && part.default !== null)?.default
    yield { pattern, form: 'leaf', kind: facts.kind, secret: facts.secret === true, fallback: fallbackText(fallback) }
  }
}

/** A schema, what it wraps and what it pipes through. */
function partsOf(schemaHere: Walkable): Walkable[] {
  const inside = [schemaHere.wrapped, ...(schemaHere.pipe ?? [])].filter(
    (part) => part !== undefined && part !== schemaHere,
  )
  return [schemaHere, ...inside.flatMap((part) => partsOf(part as Walkable))]
}

function fallbackText(fallback: unknown): string | null {
  const text = Array.isArray(fallback) ? fallback.join(', ') : String(fallback ?? '')
  return text === '' ? null : text
}

function listKeys(): KnownKey[] {
  const keys = [...schemaKeys(schema, '')]
  const taken = new Set(keys.map((key) => key.pattern))
  return [...keys, ...[...inertKeyList()].filter((key) => !taken.has(key.pattern))]
}

/** The keys without effect, and the sections that hold nothing else. */
function* inertKeyList(): Generator<KnownKey> {
  const plain = { kind: '', secret: false, fallback: null }
  for (const key of inertKeys) {
    const steps = key.replace('.*', '').split('.')
    for (let depth = 1; depth < steps.length; depth++) {
      yield { ...plain, pattern: steps.slice(0, depth).join('.'), form: 'section' }
    }
    yield { ...plain, pattern: steps.join('.'), form: 'inert' }
  }
}
