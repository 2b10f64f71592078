/**
 * Compares two keys by their UTF-8 bytes, the order in which every storage lists: negative, 0 or positive. JavaScript's own order
 * (UTF-16 units) differs where surrogate pairs meet U+E000..U+FFFF, which only then costs a conversion.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === right) continue
    if (left < 0xd800 || right < 0xd800) return left - right
    return Buffer.compare(Buffer.from(a), Buffer.from(b))
  }
  return a.length - b.length
}
