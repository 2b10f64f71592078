/** JSON request bodies: bounded, strictly decoded, validated. */
import * as v from 'valibot'
import { DomainError } from '../errors.ts'
import { type BodySource, nextOf, WHOLE_LIMIT_BYTES, wholeOf } from './body-patience.ts'

/** Bytes of a JSON body unless an operation states its own limit. */
const DEFAULT_LIMIT_BYTES = 10 * 1024 * 1024
const utf8 = new TextDecoder('utf-8', { fatal: true })
/** What anybody may send without credentials: forms of a few fields. */
export const OPEN_BODY: BodyOptions = { limitBytes: 64 * 1024 }
const JSON_TYPE = /^application\/json\s*(;|$)/i

/** Text that goes to the database: Postgres cannot store NUL. */
export const databaseText = v.pipe(
  v.string(),
  v.check((value) => !value.includes('\0'), 'must not contain NUL'),
)

export interface BodyOptions {
  readonly limitBytes?: number
}

/**
 * The body as `schema` has it.
 *
 * @throws invalid_argument `request body has an error: …` naming the field (missing body, another content type, not UTF-8, not JSON,
 *   a lone surrogate, a value the schema refuses), payload_too_large, body_silent
 */
export async function readJson<Schema extends v.GenericSchema>(
  request: BodySource,
  schema: Schema,
  options?: BodyOptions,
): Promise<v.InferOutput<Schema>> {
  const bytes = await readBytes(request, options?.limitBytes ?? DEFAULT_LIMIT_BYTES)
  if (bytes.length === 0) return refuseBody('value is required but missing')
  return parse(request.raw, bytes, schema)
}

/** As `readJson`; null when there is no body. */
export async function readOptionalJson<Schema extends v.GenericSchema>(
  request: BodySource,
  schema: Schema,
  options?: BodyOptions,
): Promise<v.InferOutput<Schema> | null> {
  const bytes = await readBytes(request, options?.limitBytes ?? DEFAULT_LIMIT_BYTES)
  return bytes.length === 0 ? null : parse(request.raw, bytes, schema)
}

function refuseBody(problem: string): never {
  throw new DomainError('invalid_argument', `request body has an error: ${problem}`)
}

function parse<Schema extends v.GenericSchema>(
  request: Request,
  bytes: Uint8Array,
  schema: Schema,
): v.InferOutput<Schema> {
  const contentType = request.headers.get('content-type') ?? ''
  if (!JSON_TYPE.test(contentType))
    refuseBody(`header Content-Type has unexpected value ${JSON.stringify(contentType)}`)
  const value = parseJson(decode(bytes))
  // To the schema an array is an object too.
  if (schema.type === 'object' && (typeof value !== 'object' || value === null || Array.isArray(value)))
    return refuseBody('must be an object')
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const [issue] = result.issues
  const field = v.getDotPath(issue)
  if (field === null) return refuseBody(issue.message)
  return refuseBody(
    isMissing(issue) ? `field "${field}" is required but missing` : `field "${field}": ${issue.message}`,
  )
}

/** What an object's schema expects is an object, or a key, which it quotes. */
function isMissing({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'object' && expected?.startsWith('"') === true
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return refuseBody('not UTF-8')
  }
}

function parseJson(source: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch {
    return refuseBody('not JSON')
  }
  // UTF-8 itself cannot carry a lone surrogate, an escape can; stored as text it would silently become U+FFFD.
  if (/\\ud[89a-f]/i.test(source)) refuseLoneSurrogates(value)
  return value
}

interface Found {
  readonly value: unknown
  readonly key: string
  readonly parent: Found | null
}

/** Walks with a stack of its own: JSON may be nested deeper than calls can be. */
function refuseLoneSurrogates(root: unknown): void {
  const left: Found[] = [{ value: root, key: '', parent: null }]
  for (let found = left.pop(); found !== undefined; found = left.pop()) {
    const { value } = found
    if (isIllFormed(value)) refuseBody(`${nameOf(found)}text with a lone surrogate`)
    if (typeof value !== 'object' || value === null) continue
    for (const [key, member] of Object.entries(value)) {
      if (isIllFormed(key)) refuseBody(`${nameOf(found)}a key with a lone surrogate`)
      left.push({ value: member, key, parent: found })
    }
  }
}

function isIllFormed(value: unknown): boolean {
  return typeof value === 'string' && /\p{Surrogate}/u.test(value)
}

/** `field "staging.physical_address": `, nothing for the body itself; of what is too deep for a schema only the end. */
function nameOf(found: Found): string {
  const keys: string[] = []
  for (let at: Found | null = found; at !== null && at.parent !== null && keys.length < 10; at = at.parent)
    keys.unshift(at.key)
  return keys.length === 0 ? '' : `field "${keys.join('.')}": `
}

/** Neither the next byte nor all of them may be waited for too long: some bodies anybody may send, and a byte now and then is cheap. */
async function readBytes({ raw, bodyIdleMs }: BodySource, limitBytes: number): Promise<Uint8Array> {
  const declared = raw.headers.get('content-length')
  const sizeBytes = declared === null ? limitBytes : Number(declared)
  if (sizeBytes > limitBytes) refuseSize(limitBytes)
  const reading =
    declared !== null && sizeBytes <= WHOLE_LIMIT_BYTES ? raw.arrayBuffer() : gather(raw.body, limitBytes, bodyIdleMs)
  try {
    const bytes = await wholeOf<ArrayBuffer | Uint8Array>(reading, bodyIdleMs, sizeBytes)
    return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)
  } catch (cause) {
    if (cause instanceof DomainError) throw cause
    throw new DomainError('body_incomplete', 'request body has an error: it ended early', { cause })
  }
}

async function gather(
  body: ReadableStream<Uint8Array> | null,
  limitBytes: number,
  idleMs: number,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array(0)
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await nextOf(reader.read(), idleMs)
    if (done) return Buffer.concat(chunks, sizeBytes)
    sizeBytes += value.length
    if (sizeBytes > limitBytes) {
      await reader.cancel()
      refuseSize(limitBytes)
    }
    chunks.push(value)
  }
}

function refuseSize(limitBytes: number): never {
  throw new DomainError('payload_too_large', `request body has an error: larger than ${limitBytes} bytes`)
}
