import { Buffer } from 'node:buffer'
import { corrupt } from './corrupt.ts'
import { VarintReader } from './varint.ts'

/** Three bytes of input make at most 64 of output, so a longer claim is a lie that must not be allocated. */
const maxExpansion = 22

/**
 * Decodes raw snappy data (layout in `snappy-encode.ts`) lying in `source[start..end)` into a buffer of its own.
 * @throws corrupt for anything but a complete, valid encoding; never reads or writes out of bounds
 */
export function snappyDecode(source: Uint8Array, start: number, end: number): Buffer {
  const header = new VarintReader(source.subarray(start, end))
  const length = header.uvarint()
  if (length > (end - start) * maxExpansion) throw corrupt('snappy data claims an impossible length')
  const output = Buffer.allocUnsafeSlow(length)
  let from = start + header.at
  let to = 0
  while (from < end) {
    const tag = source[from++] as number
    let size = (tag >>> 2) + 1
    if ((tag & 3) === 0) {
      if (size > 60) {
        const extra = size - 60
        size = littleEndian(source, from, extra, end) + 1
        from += extra
      }
      if (from + size > end || to + size > length) throw corrupt('a snappy literal is cut off')
      if (size > 48) output.set(source.subarray(from, from + size), to)
      else for (let i = 0; i < size; i++) output[to + i] = source[from + i] as number
      from += size
      to += size
      continue
    }
    let offset: number
    if ((tag & 3) === 1) {
      size = ((tag >>> 2) & 7) + 4
      offset = ((tag >>> 5) << 8) | littleEndian(source, from, 1, end)
      from++
    } else {
      const width = (tag & 3) === 2 ? 2 : 4
      offset = littleEndian(source, from, width, end)
      from += width
    }
    if (offset === 0 || offset > to || to + size > length) throw corrupt('a snappy copy is out of bounds')
    // Byte by byte: a copy may overlap its own output.
    for (const stop = to + size; to < stop; to++) output[to] = output[to - offset] as number
  }
  if (to !== length) throw corrupt('snappy data is shorter than it claims')
  return output
}

function littleEndian(bytes: Uint8Array, at: number, width: number, end: number): number {
  if (at + width > end) throw corrupt('a snappy element is cut off')
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number)
  return value
}
