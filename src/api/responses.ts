/** What handlers answer: plain data, made into one `Response` by the router. */
import type { HttpBodies } from '../runtime/bodies.ts'
import { MAX_AMOUNT } from './query.ts'

export type ReplyBody = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | Blob | null

export interface Reply {
  readonly status: number
  /** Spelled as they go out (`Content-Range`: the Python client looks it up case-sensitively). */
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReplyBody
}

/** Exactly so, without charset: the web UI compares with `===`. */
const JSON_HEADERS = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }
const TEXT_HEADERS = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }
const NO_HEADERS = {}

/** `value` as JSON and a newline. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return {
    status,
    headers: headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers },
    body: `${JSON.stringify(value)}\n`,
  }
}

/** Plain text, nothing added. */
export function text(status: number, value: string): Reply {
  return { status, headers: TEXT_HEADERS, body: value }
}

/** No body. */
export function empty(status: number, headers?: Readonly<Record<string, string>>): Reply {
  return { status, headers: headers ?? NO_HEADERS, body: null }
}

export interface Page<Item> {
  readonly results: readonly Item[]
  readonly pagination: {
    readonly has_more: boolean
    readonly max_per_page: number
    readonly next_offset: string
    readonly results: number
  }
}

/** A page of a listing as the contract has it; `nextOffset` is `""`, or the place after which the next page starts. */
export function page<Item>(results: readonly Item[], hasMore: boolean, nextOffset: string): Page<Item> {
  return {
    pagination: {
      has_more: hasMore,
      max_per_page: MAX_AMOUNT,
      next_offset: hasMore ? nextOffset : '',
      results: results.length,
    },
    results,
  }
}

/**
 * The `Response` for a reply. A body of none says `Content-Length: 0`, which Node would otherwise send as a chunked nothing; a HEAD
 * keeps the length that its handler states. Streams go out by way of `outgoing`, where the runtime needs one.
 *
 * @throws TypeError for a header that cannot be sent; a stream is then cancelled, so that nothing stays open behind it
 */
export function toResponse(
  reply: Reply,
  method: string,
  requestId: string,
  outgoing?: HttpBodies['outgoing'],
): Response {
  const headers: Record<string, string> = { ...reply.headers, 'X-Request-ID': requestId }
  let body = method === 'HEAD' ? null : reply.body
  if (outgoing !== undefined && body instanceof ReadableStream) {
    const length = headers['Content-Length']
    body = outgoing(body, length === undefined ? null : Number(length))
  }
  if (body === null && reply.status !== 204 && reply.status !== 304 && headers['Content-Length'] === undefined) {
    headers['Content-Length'] = '0'
  }
  try {
    return new Response(body, { status: reply.status, headers })
  } catch (error) {
    if (body instanceof ReadableStream) body.cancel(error).catch(() => undefined)
    throw error
  }
}
