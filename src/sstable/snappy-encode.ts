/**
 * Raw snappy encoding, byte for byte as the Go encoder that lakeFS uses: estimated sizes, and through them range borders and
 * metarange ids, depend on the compressor.
 *
 * ```
 * uvarint(uncompressed length)  element…         one run of elements per 64 KiB of input
 * literal  tag 00: length-1 in the upper 6 bits (60, 61: in the next 1, 2 bytes), then the bytes
 * copy 1   tag 01: length 4..11, offset < 2048   ooolll01 oooooooo
 * copy 2   tag 10: length 1..64, offset < 65536  llllll10 offset as le16
 * ```
 */
import { putUvarint } from './varint.ts'

const chunkBytes = 65536
/** Inputs shorter than this become one literal. */
const minChunkBytes = 17
/** Positions of four-byte groups by hash; 0 doubles as "none". Reused: encoding is synchronous. */
const seen = new Uint16Array(16384)

/** Largest encoding of `length` bytes. */
export function snappyBound(length: number): number {
  return 32 + length + Math.ceil(length / 6)
}

/**
 * Encodes `source[start..end)` at `at` of `target`, which has room for `snappyBound(end - start)` more bytes.
 * Answers the position after the encoding.
 */
export function snappyEncode(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  at = putUvarint(target, at, end - start)
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  for (let from = start; from < end; from += chunkBytes) {
    const to = Math.min(end, from + chunkBytes)
    at =
      to - from < minChunkBytes
        ? putLiteral(source, from, to, target, at)
        : encodeChunk(source, view, from, to, target, at)
  }
  return at
}

function encodeChunk(
  source: Uint8Array,
  view: DataView,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  const n = to - from
  let shift = 24
  let size = 256
  for (; size < 16384 && size < n; size *= 2) shift--
  const table = seen
  table.fill(0, 0, size)
  const limit = n - 15
  let emitted = 0
  let s = 1
  let nextHash = hash(view.getInt32(from + 1, true), shift)
  scan: for (;;) {
    // Look for a group of four bytes seen before, in steps that grow while nothing is found.
    let skip = 32
    let next = s
    let candidate = 0
    let group = 0
    do {
      s = next
      next = s + (skip >> 5)
      skip += skip >> 5
      if (next > limit) break scan
      candidate = table[nextHash] as number
      table[nextHash] = s
      group = view.getInt32(from + s, true)
      nextHash = hash(view.getInt32(from + next, true), shift)
    } while (group !== view.getInt32(from + candidate, true))
    at = putLiteral(source, from + emitted, from + s, target, at)
    do {
      const base = s
      const offset = s - candidate
      s += 4
      while (s < n && source[from + s - offset] === source[from + s]) s++
      at = putCopy(target, at, offset, s - base)
      emitted = s
      if (s >= limit) break scan
      table[hash(view.getInt32(from + s - 1, true), shift)] = s - 1
      group = view.getInt32(from + s, true)
      const here = hash(group, shift)
      candidate = table[here] as number
      table[here] = s
    } while (group === view.getInt32(from + candidate, true))
    nextHash = hash(view.getInt32(from + s + 1, true), shift)
    s++
  }
  return emitted < n ? putLiteral(source, from + emitted, to, target, at) : at
}

function hash(group: number, shift: number): number {
  return Math.imul(group, 0x1e35a7bd) >>> shift
}

function putLiteral(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  const last = to - from - 1
  if (last < 60) target[at++] = last << 2
  else if (last < 256) {
    target[at++] = 0xf0
    target[at++] = last
  } else {
    target[at++] = 0xf4
    target[at++] = last & 0xff
    target[at++] = last >>> 8
  }
  while (from < to) target[at++] = source[from++] as number
  return at
}

function putCopy(target: Uint8Array, at: number, offset: number, length: number): number {
  while (length >= 68) {
    at = putCopy2(target, at, offset, 64)
    length -= 64
  }
  if (length > 64) {
    at = putCopy2(target, at, offset, 60)
    length -= 60
  }
  if (length >= 12 || offset >= 2048) return putCopy2(target, at, offset, length)
  target[at] = ((offset >>> 8) << 5) | ((length - 4) << 2) | 1
  target[at + 1] = offset & 0xff
  return at + 2
}

function putCopy2(target: Uint8Array, at: number, offset: number, length: number): number {
  target[at] = ((length - 1) << 2) | 2
  target[at + 1] = offset & 0xff
  target[at + 2] = offset >>> 8
  return at + 3
}
