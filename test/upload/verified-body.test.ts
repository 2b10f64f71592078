import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDomainError } from '../../src/errors.ts'
import { type Declared, verifyBytes, verifyStream } from '../../src/upload/verified-body.ts'

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

/** What a storage would have seen before the stream ended or failed. */
async function drain(stream: ReadableStream<Uint8Array>): Promise<{ bytes: Buffer; error: unknown }> {
  const seen: Uint8Array[] = []
  try {
    for await (const chunk of stream) seen.push(Uint8Array.from(chunk))
    return { bytes: Buffer.concat(seen), error: undefined }
  } catch (error) {
    return { bytes: Buffer.concat(seen), error }
  }
}

const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })
const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

function streamed(parts: readonly Uint8Array[], declared: Declared) {
  const verified = verifyStream(streamOf(parts), declared)
  if (verified.body instanceof Uint8Array) throw new Error('expected a stream')
  return { verified, stream: verified.body.stream }
}

describe('verifyStream', () => {
  it('passes a true body through unchanged and reports its size and MD5', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (parts) => {
        const whole = Buffer.concat(parts)
        const { verified, stream } = streamed(parts, { sizeBytes: whole.length, md5: md5Of(whole) })
        const seen = await drain(stream)
        expect(seen.error).toBeUndefined()
        expect(seen.bytes.equals(whole)).toBe(true)
        expect(verified.received()).toEqual({ sizeBytes: whole.length, md5Hex: md5Of(whole).toString('hex') })
      }),
    )
  })

  it('never lets the last byte of a false body through', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: -3, max: 3 }), fc.boolean(), async (parts, drift, wrongMd5) => {
        const whole = Buffer.concat(parts)
        const sizeBytes = Math.max(0, whole.length + drift)
        fc.pre(wrongMd5 || sizeBytes !== whole.length)
        const md5 = wrongMd5 ? md5Of(Buffer.concat([whole, Buffer.from('x')])) : md5Of(whole)
        const { verified, stream } = streamed(parts, { sizeBytes, md5 })
        const seen = await drain(stream)
        expect(isDomainError(seen.error, 'body_incomplete', 'checksum_mismatch')).toBe(true)
        expect(seen.bytes.length < whole.length || whole.length === 0).toBe(true)
        expect(() => verified.received()).toThrow()
      }),
    )
  })

  it('reads no further than the storage does', async () => {
    let pulled = 0
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1
          controller.enqueue(new Uint8Array(10))
        },
      },
      { highWaterMark: 0 },
    )
    const verified = verifyStream(source, { sizeBytes: null, md5: null })
    if (verified.body instanceof Uint8Array) throw new Error('expected a stream')
    const reader = verified.body.stream.getReader()
    await reader.read()
    await reader.read()
    expect(pulled).toBe(3)
    await reader.cancel()
  })
})

describe('verifyBytes', () => {
  it('agrees with the streamed form', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(verifyBytes(bytes, { sizeBytes: bytes.length, md5: null }).received()).toEqual({
          sizeBytes: bytes.length,
          md5Hex: md5Of(bytes).toString('hex'),
        })
        expect(() => verifyBytes(bytes, { sizeBytes: bytes.length + 1, md5: null })).toThrow(/declared bytes arrived/)
        expect(() => verifyBytes(bytes, { sizeBytes: null, md5: Buffer.alloc(16) })).toThrow(/MD5/)
      }),
    )
  })
})
