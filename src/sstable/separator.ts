import { Buffer } from 'node:buffer'

/**
 * Index keys shortened as pebble's bytewise comparer does it: at or above every key of their block, below every key of the next,
 * and no longer than the block's last key.
 */

/** Bytes of `last` to keep, the last of them plus one; null when `last` itself must serve. `next` null: nothing follows. */
function cutLength(last: Uint8Array, next: Uint8Array | null): number | null {
  if (next === null) {
    const first = last.findIndex((byte) => byte !== 0xff)
    return first < 0 ? null : first + 1
  }
  const shorter = Math.min(last.length, next.length)
  let i = 0
  while (i < shorter && last[i] === next[i]) i++
  if (i >= shorter || byteAt(last, i) >= byteAt(next, i)) return null
  if (i < next.length - 1 || byteAt(last, i) + 1 < byteAt(next, i)) return i + 1
  for (let j = i + 1; j < last.length; j++) if (last[j] !== 0xff) return j + 1
  return null
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

/**
 * The shortened user key between a block's `last` key and the `next` block's first (null after the last block), or null when
 * `last` with its own trailer has to serve.
 */
export function shortSeparator(last: Uint8Array, next: Uint8Array | null): Uint8Array | null {
  const length = cutLength(last, next)
  if (length === null) return null
  const separator = Buffer.from(last.subarray(0, length))
  separator[length - 1] = byteAt(separator, length - 1) + 1
  return separator
}
