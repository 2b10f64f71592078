import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBlock } from '../../src/sstable/block.ts'
import { BlockCursor } from '../../src/sstable/block-cursor.ts'
import { crc32c, maskedCrc32c } from '../../src/sstable/crc32c.ts'
import { shortSeparator } from '../../src/sstable/separator.ts'
import { parseTable } from '../../src/sstable/table-layout.ts'
import { TableWriter } from '../../src/sstable/table-writer.ts'
import { told } from '../support/cursors.ts'
import { fixtureTables } from '../support/fixtures.ts'
import { readTable } from '../support/table-records.ts'

function write(rows: readonly (readonly [Uint8Array, Uint8Array])[]): Buffer {
  const writer = new TableWriter({ type: 'ranges' })
  for (const [key, value] of rows) writer.add(key, 0, key.length, value, 0, value.length)
  return writer.finish().bytes
}

/** Rows in order with awkward keys: shared prefixes, ff, 00, empty; values from nothing to several blocks. */
const rowsArbitrary = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc.array(fc.constantFrom(0, 0x61, 0xff), { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)),
        fc.nat(9999).map((n) => Buffer.from(`some/common/prefix/part-${String(n).padStart(5, '0')}`)),
      ),
      fc.oneof(
        { weight: 10, arbitrary: fc.uint8Array({ maxLength: 300 }) },
        { weight: 1, arbitrary: fc.nat(9000).map((n) => Buffer.alloc(n, n)) },
      ),
    ),
    { maxLength: 300, size: 'max' },
  )
  .map((rows) => {
    const byKey = new Map(rows.map(([key, value]) => [Buffer.from(key).toString('hex'), value]))
    return [...byKey]
      .map(([hex, value]) => [Buffer.from(hex, 'hex'), Buffer.from(value)] as const)
      .sort(([a], [b]) => Buffer.compare(a, b))
  })

/** Any bytes as entries, and a restart table that is mostly plausible. */
const forgedPayload = fc
  .tuple(
    fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.nat(255)), { maxLength: 80 }),
    fc.array(fc.nat(40), { minLength: 1, maxLength: 3 }),
    fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2 ** 31) }),
  )
  .map(([entries, restarts, lie]) => {
    const table = Buffer.alloc(4 * restarts.length + 4)
    for (const [i, offset] of restarts.entries()) table.writeUInt32LE(i === 0 ? 0 : offset, 4 * i)
    table.writeUInt32LE(restarts.length + lie, 4 * restarts.length)
    return Buffer.concat([Buffer.from(entries), table])
  })

describe('tables', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const { records, layout } = readTable(write(rows))
        expect(told(records)).toEqual(told(rows))
        expect(layout.properties.get('count')?.toString()).toBe(String(rows.length))
      }),
      { numRuns: 60 },
    )
  })

  test('a key is found in the block that the index names, and nowhere else', () => {
    fc.assert(
      fc.property(rowsArbitrary, fc.uint8Array({ maxLength: 8 }), (rows, other) => {
        const bytes = write(rows)
        const { layout } = readTable(bytes)
        const cursor = new BlockCursor(8)
        for (const key of [...rows.map(([k]) => k), Buffer.from(other)]) {
          const expected = rows.find(([k]) => Buffer.compare(k, key) >= 0)
          const at = layout.index.find(key)
          if (at === layout.index.count) {
            expect(expected).toBeUndefined()
            continue
          }
          cursor.reset(decodeBlock(bytes, layout.index.offset(at), layout.index.length(at)))
          const found = cursor.seek(key)
          if (found)
            expect(told([[cursor.copyKey(), cursor.value()]])).toEqual(told(expected === undefined ? [] : [expected]))
          else expect(rows.some(([k]) => k.equals(key))).toBe(false)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('a tail that is too short says where it must begin, until it is enough', () => {
    for (const bytes of fixtureTables('big').values()) {
      let start = bytes.length - 53
      const starts = [start]
      for (;;) {
        const parsed = parseTable({ bytes: bytes.subarray(start), start })
        if (!('needFrom' in parsed)) break
        expect(parsed.needFrom).toBeLessThan(start)
        start = parsed.needFrom
        starts.push(start)
      }
      expect(starts.length).toBeLessThanOrEqual(5)
      expect(start).toBeGreaterThan(0)
    }
  })

  test('keys out of order are refused', () => {
    const one = Buffer.from('one')
    const two = Buffer.from('two')
    expect(() =>
      write([
        [two, one],
        [one, one],
      ]),
    ).toThrow('ascending')
    expect(() =>
      write([
        [one, one],
        [one, one],
      ]),
    ).toThrow('ascending')
  })

  test('any damaged byte of a block is corrupt', () => {
    const [id, golden] = [...fixtureTables('tuned')].find(([, bytes]) => bytes.length > 7000) ?? ['', Buffer.alloc(0)]
    expect(id).not.toBe('')
    const end = golden.length - 53
    let damaged = 0
    for (let at = 0; at < end; at += 37) {
      const bytes = Buffer.from(golden)
      bytes[at] = (bytes[at] ?? 0) ^ 0x10
      expect(() => readTable(bytes), `byte ${at}`).toThrow(expect.objectContaining({ code: 'corrupt' }))
      damaged++
    }
    expect(damaged).toBeGreaterThan(150)
  })

  test.each([
    ['magic', 45],
    ['version', 41],
    ['checksum type', 0],
  ])('a footer with another %s is corrupt', (_, at) => {
    const bytes = write([[Buffer.from('key'), Buffer.from('value')]])
    bytes[bytes.length - 53 + at] = 9
    expect(() => readTable(bytes)).toThrow(expect.objectContaining({ code: 'corrupt' }))
    expect(() => readTable(bytes.subarray(0, 20))).toThrow(expect.objectContaining({ code: 'corrupt' }))
  })

  test.each([
    ['shares more than the key before it had', '0508000100000000000000'],
    ['is shorter than its trailer', '00070001000000000000'],
    ['has a value beyond the entries', '0008090100000000000000'],
    ['has a length that never ends', 'ffffffffffff0100000000'],
  ])('an entry that %s is corrupt', (_, entry) => {
    const payload = Buffer.from(`${entry}0000000001000000`, 'hex')
    const bytes = Buffer.concat([payload, Buffer.alloc(5)])
    bytes.writeUInt32LE(maskedCrc32c(bytes, 0, payload.length + 1), payload.length + 1)
    const cursor = new BlockCursor(8)
    cursor.reset(decodeBlock(bytes, 0, payload.length))
    expect(() => cursor.next()).toThrow(expect.objectContaining({ code: 'corrupt' }))
  })

  test('forged blocks with a valid checksum are corrupt, never a crash', () => {
    fc.assert(
      fc.property(forgedPayload, fc.uint8Array({ maxLength: 4 }), (payload, key) => {
        const bytes = Buffer.concat([payload, Buffer.alloc(5)])
        bytes.writeUInt32LE(maskedCrc32c(bytes, 0, payload.length + 1), payload.length + 1)
        try {
          const cursor = new BlockCursor(8)
          const block = decodeBlock(bytes, 0, payload.length)
          cursor.reset(block)
          while (cursor.next()) {
            expect(cursor.valueEnd).toBeLessThanOrEqual(block.restartsAt)
            expect(cursor.keyLength).toBeGreaterThanOrEqual(0)
          }
          cursor.seek(key)
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' })
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('parts', () => {
  test('checksums', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283)
    expect(maskedCrc32c(Buffer.from('123456789'), 0, 9)).toBe(0xc78ab0e5)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, start) => {
        let crc = -1
        for (const byte of bytes.subarray(start)) {
          crc ^= byte
          for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
        }
        expect(crc32c(bytes, Math.min(start, bytes.length), bytes.length)).toBe(~crc >>> 0)
      }),
    )
  })

  test('separators lie between the blocks and are no longer than the last key', () => {
    const key = fc
      .array(fc.constantFrom(0, 1, 0x61, 0x62, 0xfe, 0xff), { maxLength: 5 })
      .map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(key, key, (one, two) => {
        fc.pre(!one.equals(two))
        const [last, next] = Buffer.compare(one, two) < 0 ? [one, two] : [two, one]
        const between = shortSeparator(last, next)
        if (between !== null) {
          expect(Buffer.compare(between, last)).toBeGreaterThan(0)
          expect(Buffer.compare(between, next)).toBeLessThan(0)
          expect(between.length).toBeLessThanOrEqual(last.length)
        }
        const above = shortSeparator(last, null)
        if (above !== null) expect(Buffer.compare(above, last)).toBeGreaterThan(0)
        else expect(last.every((byte) => byte === 0xff)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
