/** Unsigned LEB128 varints of up to 53 bits, as lengths, handles and counts are written in tables. */
import { corrupt } from './corrupt.ts'

/** Bytes that `putUvarint` writes for `value` (an integer in 0..2^53-1). */
export function uvarintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** Writes `value` (an integer in 0..2^53-1) at `at` and answers the position after it. The caller has made room. */
export function putUvarint(target: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= 128) {
    target[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  target[at++] = rest
  return at
}

/** A position in bytes that reads varints forward. For cold paths: hot loops decode in place. */
export class VarintReader {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** @throws corrupt at the end of the bytes and above 53 bits */
  uvarint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw corrupt('a varint is cut off')
      value += (byte & 0x7f) * factor
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw corrupt('a varint is longer than 53 bits')
  }
}
