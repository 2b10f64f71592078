import fc from 'fast-check'
import { expect, test } from 'vitest'
import { snappyDecode } from '../../src/sstable/snappy-decode.ts'
import { snappyBound, snappyEncode } from '../../src/sstable/snappy-encode.ts'

function encode(input: Uint8Array): Buffer {
  const target = Buffer.alloc(snappyBound(input.length) + 3)
  return target.subarray(3, snappyEncode(input, 0, input.length, target, 3))
}

/** Bytes with the repetitions that make copies: runs, echoes of what came before, noise. */
const compressible = fc
  .array(
    fc.record({
      kind: fc.constantFrom('run', 'echo', 'noise'),
      length: fc.integer({ min: 1, max: 3000 }),
      seed: fc.nat(),
    }),
    { maxLength: 60 },
  )
  .map((parts) => {
    const bytes: number[] = []
    for (const { kind, length, seed } of parts) {
      let state = seed >>> 0
      for (let i = 0; i < length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        if (kind === 'run') bytes.push(seed & 0xff)
        else if (kind === 'noise' || bytes.length === 0) bytes.push(state >>> 24)
        else bytes.push(bytes[Math.max(0, bytes.length - 1 - (seed % 70_000))] ?? 0)
      }
    }
    return Uint8Array.from(bytes)
  })

test('what is encoded is decoded, beyond 64 KiB too', () => {
  fc.assert(
    fc.property(compressible, (input) => {
      const encoded = encode(input)
      expect(encoded.length).toBeLessThanOrEqual(snappyBound(input.length))
      expect(Buffer.compare(snappyDecode(encoded, 0, encoded.length), input)).toBe(0)
    }),
    { numRuns: 150 },
  )
})

test('repetition is compressed', () => {
  const input = Buffer.from('part-00000.parquet '.repeat(5000))
  expect(encode(input).length).toBeLessThan(input.length / 15)
})

test('anything else decodes, or is corrupt, within its bounds', () => {
  let refused = 0
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      try {
        expect(snappyDecode(input, 0, input.length).length).toBeLessThanOrEqual(22 * input.length)
      } catch (error) {
        expect(error).toMatchObject({ code: 'corrupt' })
        refused++
      }
    }),
    { numRuns: 2000 },
  )
  expect(refused).toBeGreaterThan(1000)
})

test('damaged encodings decode, or are corrupt', () => {
  fc.assert(
    fc.property(compressible, fc.nat(), fc.integer({ min: 1, max: 255 }), (input, where, flip) => {
      const encoded = Buffer.from(encode(input))
      const at = where % encoded.length
      encoded[at] = (encoded[at] ?? 0) ^ flip
      try {
        snappyDecode(encoded, 0, encoded.length)
      } catch (error) {
        expect(error).toMatchObject({ code: 'corrupt' })
      }
    }),
    { numRuns: 150 },
  )
})

test.each([
  ['the empty input', '00', ''],
  ['a literal of 61 bytes', `3df03c${'61'.repeat(61)}`, '61'.repeat(61)],
  ['a copy of one byte offset', '0a00611501', '61'.repeat(10)],
  ['a copy of two bytes offset', '0500610e0100', '61'.repeat(5)],
  ['a copy of four bytes offset', '0500610f01000000', '61'.repeat(5)],
])('by hand: %s', (_, hex, plain) => {
  expect(snappyDecode(Buffer.from(hex, 'hex'), 0, hex.length / 2).toString('hex')).toBe(plain)
})

test.each([
  ['a length of 2^32', '8080808010'],
  ['a copy from before the start', '0500610e0200'],
  ['a copy of offset 0', '0500610e0000'],
  ['a literal that ends early', '051061'],
  ['more output than claimed', '02086162'],
  ['less output than claimed', '050061'],
])('refused: %s', (_, hex) => {
  expect(() => snappyDecode(Buffer.from(hex, 'hex'), 0, hex.length / 2)).toThrow(
    expect.objectContaining({ code: 'corrupt' }),
  )
})
