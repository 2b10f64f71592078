/** A request as the fuzzer thinks of it, and its bytes. Text here is Latin-1: one character, one byte. */
import type { Operation } from './operations.ts'

/** How the answer to a request is judged beyond what holds for all of them. */
export type Expectation =
  /** Nothing is known to be wrong. */
  | { readonly kind: 'any' }
  /** A 400, if it comes, names `field`; with `certain` the request must not succeed. */
  | { readonly kind: 'bad'; readonly field: string; readonly certain: boolean }
  /** The credentials are no good. */
  | { readonly kind: 'stranger' }

export interface Draft {
  readonly operation: Operation
  method: string
  /** Percent-encoded values, by parameter. */
  path: Map<string, string>
  /** Names and values, percent-encoded. */
  query: [name: string, value: string][]
  headers: [name: string, value: string][]
  /** A value that goes out as JSON, bytes that go out as they are. */
  body: { readonly json: unknown } | { readonly bytes: Buffer } | null
  contentType: string | null
  chunked: boolean
  expect: Expectation
  /** What was done to it, for people. */
  story: string[]
}

export function targetOf(draft: Draft): string {
  const path = draft.operation.path.replace(/\{(\w+)\}/g, (_, name: string) => draft.path.get(name) ?? '')
  const query = draft.query.map(([name, value]) => `${name}=${value}`).join('&')
  return `/api/v1${path}${query === '' ? '' : `?${query}`}`
}

export function bodyOf({ body }: Draft): Buffer | null {
  if (body === null) return null
  return 'bytes' in body ? body.bytes : Buffer.from(JSON.stringify(body.json) ?? '')
}

/** The bytes of the request. */
export function render(draft: Draft): Buffer {
  const body = bodyOf(draft)
  const lines = [`${draft.method} ${targetOf(draft)} HTTP/1.1`, 'Host: 127.0.0.1']
  for (const [name, value] of draft.headers) lines.push(`${name}: ${value}`)
  if (draft.contentType !== null) lines.push(`Content-Type: ${draft.contentType}`)
  if (body === null && ['GET', 'HEAD', 'DELETE'].includes(draft.method)) return head(lines)
  if (!draft.chunked) return Buffer.concat([head([...lines, `Content-Length: ${body?.length ?? 0}`]), body ?? none])
  return Buffer.concat([head([...lines, 'Transfer-Encoding: chunked']), chunks(body ?? none)])
}

const none = Buffer.alloc(0)

function head(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Two chunks, so that a body is cut somewhere. */
function chunks(body: Buffer): Buffer {
  const half = body.length >> 1
  const parts = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
  const framed = parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
  return Buffer.concat([...framed, Buffer.from('0\r\n\r\n')])
}
