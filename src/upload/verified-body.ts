/**
 * A body on its way to a storage: counted, hashed, and its last chunk withheld until everything declared about it holds. A body that
 * falls short, runs over or does not match therefore never completes at the storage.
 */
import { createHash, type Hash } from 'node:crypto'
import type { PutBody } from '../block/adapter.ts'
import { DomainError } from '../errors.ts'

/** What the sender promised; null where it promised nothing. */
export interface Declared {
  readonly sizeBytes: number | null
  /** Raw 16 bytes of Content-MD5. */
  readonly md5: Buffer | null
}

/** What arrived. */
export interface Received {
  readonly sizeBytes: number
  readonly md5Hex: string
}

export interface VerifiedBody {
  readonly body: PutBody
  /** Call once the storage has acknowledged the body. */
  received(): Received
}

/** Checks a body that is in memory. @throws body_incomplete, checksum_mismatch */
export function verifyBytes(bytes: Uint8Array, declared: Declared): VerifiedBody {
  const md5 = createHash('md5').update(bytes).digest()
  check(bytes.length, md5, declared)
  const received = { sizeBytes: bytes.length, md5Hex: md5.toString('hex') }
  return { body: bytes, received: () => received }
}

/** Checks a body while it streams; the stream errors with body_incomplete or checksum_mismatch before its last chunk is passed on. */
export function verifyStream(
  source: ReadableStream<Uint8Array>,
  declared: Declared,
  onFirstByte: () => void = () => undefined,
): VerifiedBody {
  const hash: Hash = createHash('md5')
  const reader = source.getReader()
  let held: Uint8Array | undefined
  let sizeBytes = 0
  let received: Received | undefined

  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) {
            const md5 = hash.digest()
            check(sizeBytes, md5, declared)
            received = { sizeBytes, md5Hex: md5.toString('hex') }
            if (held !== undefined) controller.enqueue(held)
            controller.close()
            return
          }
          if (value.length === 0) continue
          if (sizeBytes === 0) onFirstByte()
          sizeBytes += value.length
          if (declared.sizeBytes !== null && sizeBytes > declared.sizeBytes) {
            const excess = new DomainError(
              'body_incomplete',
              `cannot store body: more than the declared ${declared.sizeBytes} bytes arrived`,
            )
            await reader.cancel(excess)
            throw excess
          }
          hash.update(value)
          const ready = held
          held = value
          if (ready !== undefined) {
            controller.enqueue(ready)
            return
          }
        }
      },
      cancel(reason) {
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return {
    body: { stream, sizeBytes: declared.sizeBytes },
    received() {
      if (received === undefined) throw new Error('the storage acknowledged a body that it has not read to its end')
      return received
    },
  }
}

function check(sizeBytes: number, md5: Buffer, declared: Declared): void {
  if (declared.sizeBytes !== null && sizeBytes !== declared.sizeBytes) {
    throw new DomainError(
      'body_incomplete',
      `cannot store body: ${sizeBytes} of ${declared.sizeBytes} declared bytes arrived`,
    )
  }
  if (declared.md5 !== null && !declared.md5.equals(md5)) {
    throw new DomainError(
      'checksum_mismatch',
      `cannot store body: its MD5 is ${md5.toString('hex')}, declared was ${declared.md5.toString('hex')}`,
    )
  }
}
