/**
 * The kinds of values that configuration keys have, as valibot schemas over the text that was written. A message says what is wrong
 * and, after a semicolon, the remedy; secrets are never quoted.
 */
import * as v from 'valibot'
import { parseDurationMs } from './duration.ts'
import { type ListenAddress, parseListenAddress } from './listen-address.ts'
import { postgresUrl } from './postgres-dsn.ts'

/** What the schema remembers about a key beside its type. */
export interface LeafFacts {
  /** For people: `text`, `whole number`, … */
  readonly kind: string
  readonly secret?: boolean
}

/** Text to value; null when the text is not of that kind. */
type Parse<Value> = (text: string) => Value | null

function leaf<Value extends string | number | boolean | object>(
  facts: LeafFacts,
  remedy: string,
  parse: Parse<Value>,
  special: ReadonlyMap<string, string> = new Map(),
) {
  return v.pipe(
    v.string(`is a list or a section; ${remedy}`),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      const value = dataset.value === '' ? null : parse(dataset.value)
      if (value !== null) return value
      const problem = dataset.value === '' ? 'missing' : facts.secret === true ? 'malformed' : quote(dataset.value)
      addIssue({ message: `is ${problem}${special.get(dataset.value) ?? `; ${remedy}`}` })
      return NEVER
    }),
    v.metadata({ ...facts }),
  )
}

/** A value quoted for a message: short, on one line, without the password of a URL. */
function quote(value: string): string {
  const shown = hideUserInfo(value)
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 57)}…` : shown)
}

/** `text` with the user information of any URL in it replaced by `[SECRET]`. */
export function hideUserInfo(text: string): string {
  return text.replace(/(:\/\/)\S*@/g, '$1[SECRET]@')
}

/** The kind of keys that hold lists. */
export const listKind = 'list of texts'

/** Any text. */
export function text(remedy = 'give it a text') {
  return leaf({ kind: 'text' }, remedy, (value) => value)
}

/** Text that is never shown. */
export function secret(remedy = 'give it a text') {
  return leaf({ kind: 'secret', secret: true }, remedy, (value) => value)
}

/** Where a Postgres server is; never shown, since it holds the password. */
export function postgresDsn() {
  return leaf({ kind: 'postgres URL', secret: true }, 'write postgres://user:password@host:5432/database', postgresUrl)
}

/** A folder or file; `~` and relative paths are expanded when the configuration is assembled. */
export function path() {
  return leaf({ kind: 'path' }, 'give it a path', (value) => value)
}

/** An `http://` or `https://` URL. */
export function httpUrl() {
  return leaf({ kind: 'URL' }, 'write a URL such as http://127.0.0.1:9000', (value) =>
    /^https?:\/\/[^/]/.test(value) && URL.canParse(value) ? value : null,
  )
}

/** true or false, in any spelling of Go's ParseBool. */
export function bool() {
  return leaf({ kind: 'true or false' }, 'write true or false', (value) =>
    /^(1|t|T|TRUE|true|True)$/.test(value) ? true : /^(0|f|F|FALSE|false|False)$/.test(value) ? false : null,
  )
}

/** A whole number in `minimum`..`maximum`. */
export function integer(minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
  return leaf({ kind: 'whole number' }, `write a whole number ${range}`, (value) => {
    const number = /^[+-]?\d[\d_]*$/.test(value) ? Number(value.replaceAll('_', '')) : Number.NaN
    return Number.isSafeInteger(number) && number >= minimum && number <= maximum ? number : null
  })
}

/** A duration in Go's syntax, as milliseconds. */
export function durationMs() {
  return leaf({ kind: 'duration' }, 'write a duration with its unit, such as 15m, 168h, 1h30m or 3ms', parseDurationMs)
}

/** One of a few words, whatever their case. `special` has the ends of messages for words that deserve their own. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  special: ReadonlyMap<string, string> = new Map(),
) {
  const list = words.join(', ')
  return leaf(
    { kind: list },
    `write one of ${list}`,
    (value) => words.find((word) => word === value.toLowerCase()) ?? null,
    special,
  )
}

/** `HOST:PORT`. */
export function listenAddress() {
  return leaf<ListenAddress>({ kind: 'HOST:PORT' }, 'write HOST:PORT, such as 127.0.0.1:8000', parseListenAddress)
}

/** A list of texts; one text is a list of one. */
export function textList() {
  return v.pipe(
    v.union([v.string(), v.array(v.string())], 'is not a list of texts; write one text or a list of texts'),
    v.transform((value) => (typeof value === 'string' ? [value] : value)),
    v.metadata({ kind: listKind } satisfies LeafFacts),
  )
}

/** A key that must be there; a tree holds no empty texts, so one stands for the absent key. */
export function required<Schema extends v.GenericSchema<string, unknown>>(schema: Schema) {
  return v.optional(schema, '' as v.InferInput<Schema> & string)
}

/** A key that may be absent: null then. */
export function optional<Schema extends v.GenericSchema>(schema: Schema) {
  return v.nullish(schema, null)
}

/** A map with known keys; absent, it is one whose keys are all absent. */
export function section<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(v.optional(v.record(v.string(), v.unknown()), {}), v.object(entries))
}
