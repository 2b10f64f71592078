/** What workerd, the runtime of Cloudflare Workers, does its own way. */
import type { HttpBodies } from './bodies.ts'

declare class IdentityTransformStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

/** Passes on exactly `sizeBytes` bytes and fails otherwise; what it is the body of carries a Content-Length. */
declare class FixedLengthStream extends IdentityTransformStream {
  constructor(sizeBytes: number)
}

/** workerd's own method of BYOB readers: waits for `minBytes`, or for what is left at the end. */
interface AtLeastReader {
  readAtLeast(minBytes: number, view: Uint8Array): Promise<ReadableStreamReadResult<Uint8Array>>
  cancel(reason: unknown): Promise<void>
}

const MIN_CHUNK_BYTES = 256 * 1024
const MAX_CHUNK_BYTES = 1024 * 1024

/** HTTP towards the storages: only a FixedLengthStream is sent with a Content-Length, and `redirect: 'error'` is unknown. */
export const workerdHttp = {
  fetch: (url: string, init: RequestInit) => fetch(url, init),
  streamRedirect: 'manual',
  fixedLength(stream: ReadableStream<Uint8Array>, sizeBytes: number): ReadableStream<Uint8Array> {
    const fixed = new FixedLengthStream(sizeBytes)
    // What fails here fails the readable side, whose reader reports it.
    stream.pipeTo(fixed.writable).catch(() => undefined)
    return fixed.readable
  },
} as const

/**
 * Bodies on Workers. By itself workerd hands out chunks of 4 KiB (202 MiB/s into MD5, 693 MiB/s by these reads), drops the
 * Content-Length of a stream, and ends a stream that failed like one that is complete.
 *
 * @param onSending told, for each outgoing body, the promise that resolves when it is sent, failed or given up by the client
 */
export function createWorkerdBodies(onSending: (sent: Promise<void>) => void): HttpBodies {
  return {
    incoming: inLargeChunks,
    outgoing(body, sizeBytes) {
      const through = sizeBytes === null ? new IdentityTransformStream() : new FixedLengthStream(sizeBytes)
      onSending(body.pipeTo(through.writable).catch(() => undefined))
      return through.readable
    },
  }
}

function inLargeChunks(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader({ mode: 'byob' }) as unknown as AtLeastReader
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.readAtLeast(MIN_CHUNK_BYTES, new Uint8Array(MAX_CHUNK_BYTES))
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
