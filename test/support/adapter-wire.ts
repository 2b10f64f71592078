/** Calls of a `BlockAdapter` as text, so that one inside workerd can be driven from a test outside. */
import type { GetResult, PutBody } from '../../src/block/adapter.ts'
import { DomainError, type ErrorCode, isDomainError } from '../../src/errors.ts'

type Wire =
  | { readonly $: 'bytes'; readonly base64: string }
  | {
      readonly $: 'stream'
      readonly chunks: readonly string[]
      readonly error: WireError | null
      readonly sizeBytes: number | null
    }

/** An error with the code of a `DomainError`, null for any other. */
export interface WireError {
  readonly code: ErrorCode | null
  readonly message: string
}

/** Bytes and streams become plain values; a stream is read until it ends or fails, and its failure is part of it. */
export async function pack(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return { $: 'bytes', base64: Buffer.from(value).toString('base64') }
  if (isStreamBody(value)) return packStream(value.stream, value.sizeBytes)
  if (value instanceof Error) return packError(value)
  if (Array.isArray(value)) return Promise.all(value.map(pack))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    await Promise.all(Object.entries(value).map(async ([key, inner]) => [key, await pack(inner)])),
  )
}

/** The inverse of `pack`. */
export function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack)
  if (typeof value !== 'object' || value === null) return value
  if (isWire(value)) return value.$ === 'bytes' ? bytes(value.base64) : unpackStream(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpack(inner)]))
}

export function packError(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error)
  return { code: isDomainError(error) ? error.code : null, message }
}

export function unpackError({ code, message }: WireError): Error {
  return code === null ? new Error(message) : new DomainError(code, message)
}

/** The answer of a read with its body whole. */
export async function wholeBody(result: GetResult): Promise<GetResult> {
  if (result.body instanceof Uint8Array) return result
  return { ...result, body: new Uint8Array(await new Response(result.body).arrayBuffer()) }
}

async function packStream(stream: ReadableStream<Uint8Array>, sizeBytes: number | null): Promise<Wire> {
  const chunks: string[] = []
  try {
    for await (const chunk of stream) chunks.push(Buffer.from(chunk).toString('base64'))
    return { $: 'stream', chunks, error: null, sizeBytes }
  } catch (error) {
    return { $: 'stream', chunks, error: packError(error), sizeBytes }
  }
}

function unpackStream({ chunks, error, sizeBytes }: Extract<Wire, { $: 'stream' }>): PutBody {
  let next = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[next++]
      if (chunk !== undefined) controller.enqueue(bytes(chunk))
      else if (error !== null) controller.error(unpackError(error))
      else controller.close()
    },
  })
  return { stream, sizeBytes }
}

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}

function isStreamBody(value: unknown): value is Exclude<PutBody, Uint8Array> {
  return typeof value === 'object' && value !== null && 'stream' in value && value.stream instanceof ReadableStream
}

function isWire(value: object): value is Wire {
  return '$' in value && (value.$ === 'bytes' || value.$ === 'stream')
}
