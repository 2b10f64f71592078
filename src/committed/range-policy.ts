/** When a range ends. Content decides, so that a change moves few borders and equal content gives equal ranges. */

/** Limits of ranges, lakeFS's `committed.permanent.*`. */
export interface RangePolicy {
  /** Below this estimate a range never ends. */
  readonly minRangeSizeBytes: number
  /** At or above this estimate it always does. */
  readonly maxRangeSizeBytes: number
  /** In between, one key in about so many ends it; the fraction is dropped, at least 1. */
  readonly rangeRaggednessEntries: number
}

/** lakeFS's defaults. */
export const defaultRangePolicy: RangePolicy = {
  minRangeSizeBytes: 0,
  maxRangeSizeBytes: 20_971_520,
  rangeRaggednessEntries: 50_000,
}

/** Whether the range ends after the record with key `key[start..end)`, when its file is estimated at `estimatedSizeBytes`. */
export function endsRange(
  policy: RangePolicy,
  estimatedSizeBytes: number,
  key: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (estimatedSizeBytes < policy.minRangeSizeBytes) return false
  if (estimatedSizeBytes >= policy.maxRangeSizeBytes) return true
  return fnv1a64Modulo(key, start, end, Math.trunc(policy.rangeRaggednessEntries)) === 0
}

/** The FNV-1a hash (64 bits, unsigned) of `key[start..end)` modulo `divisor`, 1..2^26; without BigInt. */
export function fnv1a64Modulo(key: Uint8Array, start: number, end: number, divisor: number): number {
  // The prime is 2^40 + 435, so a product is `h * 435` plus the low word shifted by 8 into the high one.
  let high = 0xcbf29ce4 | 0
  let low = 0x84222325 | 0
  for (let at = start; at < end; at++) {
    low ^= key[at] as number
    const first = Math.imul(low & 0xffff, 435)
    const second = Math.imul(low >>> 16, 435) + (first >>> 16)
    high = (Math.imul(high, 435) + (low << 8) + (second >>> 16)) | 0
    low = (second << 16) | (first & 0xffff)
  }
  return (((high >>> 0) % divisor) * (2 ** 32 % divisor) + ((low >>> 0) % divisor)) % divisor
}
