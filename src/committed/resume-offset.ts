import { Buffer } from 'node:buffer'

const LARGEST_CODE_POINT = 0x10ffff
const FIRST_SURROGATE = 0xd800
const SURROGATES = 0x800

/**
 * Where a listing that ended with `last` goes on, as text: clients send it back as they got it in JSON, which carries no bytes that
 * are not UTF-8. Keys may be any bytes, so it is `last` itself, or else the smallest text above it, provided that `next` comes after.
 *
 * @returns null when no text lies between `last` (inclusive) and `next` (exclusive)
 */
export function resumeOffset(last: Buffer, next: Buffer): string | null {
  const text = last.toString()
  if (Buffer.from(text).equals(last)) return text
  // The longest prefix that can be raised gives the smallest text.
  for (const kept of textPrefixes(last)) {
    const above = codePointAbove(last.subarray(kept))
    if (above === null) continue
    const offset = last.toString('utf8', 0, kept) + String.fromCodePoint(above)
    return Buffer.from(offset).compare(next) < 0 ? offset : null
  }
  return null
}

/** Lengths of the prefixes of `bytes` that are UTF-8, the longest first. */
function textPrefixes(bytes: Buffer): number[] {
  const lengths = [0]
  let valid = 0
  for (const character of bytes.toString()) {
    const size = Buffer.byteLength(character)
    if (!Buffer.from(character).equals(bytes.subarray(valid, valid + size))) break
    valid += size
    lengths.unshift(valid)
  }
  return lengths
}

/** The smallest code point whose UTF-8 bytes sort above `bytes`; UTF-8 sorts as the code points do. */
function codePointAbove(bytes: Buffer): number | null {
  const pointAt = (rank: number) => (rank < FIRST_SURROGATE ? rank : rank + SURROGATES)
  const isAbove = (rank: number) => Buffer.from(String.fromCodePoint(pointAt(rank))).compare(bytes) > 0
  let low = 0
  let high = LARGEST_CODE_POINT - SURROGATES
  if (!isAbove(high)) return null
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAbove(middle)) high = middle
    else low = middle + 1
  }
  return pointAt(low)
}
