/** Bodies on their way into a storage: gathering, and streams that keep the length they promised. */
import { DomainError, isDomainError } from '../errors.ts'
import type { PutBody } from './adapter.ts'

/** A body that is not whole in memory. */
export type StreamBody = Exclude<PutBody, Uint8Array>

/** Bodies and answers up to this many bytes are handled whole: streaming a small one costs three times as much. */
export const BUFFERED_LIMIT_BYTES = 1024 * 1024

/** True for a body that is whole in memory. */
export function isWhole(body: PutBody): body is Uint8Array {
  return body instanceof Uint8Array
}

/** The failure of a source: a `DomainError` as it is, anything else (a client that vanished) as `body_incomplete`. */
export function sourceFailure(cause: unknown): DomainError {
  if (isDomainError(cause)) return cause
  return new DomainError('body_incomplete', 'cannot store the body: its source failed before the end', { cause })
}

function wrongLength(declared: number, seen: string): DomainError {
  return new DomainError('body_incomplete', `cannot store the body: ${declared} bytes were declared, ${seen} came`)
}

/**
 * Reads a stream chunk by chunk and promises its declared length: `next` answers null only after exactly `sizeBytes` bytes (any
 * number when `sizeBytes` is null).
 */
export interface BodyReader {
  /** @throws body_incomplete, or the `DomainError` that the source failed with */
  next(): Promise<Uint8Array | null>
  /** Bytes handed out so far. */
  readonly seenBytes: number
  /** Lets the source go; never throws. */
  cancel(reason: unknown): Promise<void>
}

/** Opens a stream for one reader. */
export function readBody(body: StreamBody): BodyReader {
  const reader = body.stream.getReader()
  const declared = body.sizeBytes
  let seenBytes = 0
  return {
    get seenBytes() {
      return seenBytes
    },
    async next() {
      let step: ReadableStreamReadResult<Uint8Array>
      try {
        step = await reader.read()
      } catch (cause) {
        throw sourceFailure(cause)
      }
      if (step.done) {
        if (declared !== null && seenBytes < declared) throw wrongLength(declared, `only ${seenBytes}`)
        return null
      }
      seenBytes += step.value.length
      if (declared !== null && seenBytes > declared) {
        const failure = wrongLength(declared, 'more')
        await reader.cancel(failure).catch(() => undefined)
        throw failure
      }
      return step.value
    },
    async cancel(reason) {
      await reader.cancel(reason).catch(() => undefined)
    },
  }
}

/** The whole body in one buffer. Only for bodies known to be small, or for storages that are memory themselves. @throws as `BodyReader.next` */
export async function gatherBody(body: PutBody): Promise<Uint8Array> {
  if (isWhole(body)) return body
  const reader = readBody(body)
  const chunks: Uint8Array[] = []
  for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) chunks.push(chunk)
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, reader.seenBytes)
}

/**
 * Cuts what a reader gives into buffers of `partBytes`, the last one shorter and never empty. Two buffers take turns: a part is
 * overwritten while the one after the next is gathered. The source is let go when the loop over the parts stops early; who stops
 * while a part is being gathered cancels the reader, since the generator would first wait for that part.
 * @throws as `BodyReader.next`
 */
export async function* gatherParts(reader: BodyReader, partBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let part = Buffer.allocUnsafeSlow(partBytes)
  let other: Buffer<ArrayBuffer> | null = null
  let filled = 0
  try {
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
      for (let at = 0; at < chunk.length; ) {
        const count = Math.min(chunk.length - at, partBytes - filled)
        part.set(chunk.subarray(at, at + count), filled)
        at += count
        filled += count
        if (filled < partBytes) continue
        yield part
        const free: Buffer<ArrayBuffer> = other ?? Buffer.allocUnsafeSlow(partBytes)
        other = part
        part = free
        filled = 0
      }
    }
    if (filled > 0) yield part.subarray(0, filled)
  } finally {
    await reader.cancel(undefined)
  }
}

/** A stream that fails instead of ending short or running over, and remembers why. */
export interface GuardedStream {
  readonly stream: ReadableStream<Uint8Array>
  /** What the source failed with, null while it has not: HTTP clients report such failures as their own. */
  failure(): DomainError | null
}

/** Passes a body on chunk by chunk (one at a time, nothing buffered); `onChunk` is told the size of each. */
export function guardBody(body: StreamBody, onChunk?: (sizeBytes: number) => void): GuardedStream {
  const reader = readBody(body)
  let failed: DomainError | null = null
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let chunk: Uint8Array | null
        try {
          chunk = await reader.next()
        } catch (error) {
          failed = sourceFailure(error)
          return controller.error(failed)
        }
        // These throw when the reader has given the stream up meanwhile, which is no failure of the source.
        if (chunk === null) return controller.close()
        onChunk?.(chunk.length)
        controller.enqueue(chunk)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, failure: () => failed }
}
