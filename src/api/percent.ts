/** Percent-decoding to bytes: once, strictly, and never U+FFFD in place of what a client sent. */

const HEX = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 10; digit++) HEX[0x30 + digit] = digit
for (let digit = 10; digit < 16; digit++) {
  HEX[0x41 - 10 + digit] = digit
  HEX[0x61 - 10 + digit] = digit
}
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** True when `raw` stands for itself: ASCII without escapes. */
function isPlain(raw: string, plusIsSpace: boolean): boolean {
  for (let at = 0; at < raw.length; at++) {
    const code = raw.charCodeAt(at)
    if (code === 0x25 || code > 0x7e || (plusIsSpace && code === 0x2b)) return false
  }
  return true
}

/**
 * The bytes that `raw` stands for, or null when an escape is malformed (`%zz`, `%4`). Characters U+0080..U+00FF are bytes that came
 * unescaped (Node hands the request line over as Latin-1); beyond that, their UTF-8.
 *
 * @param plusIsSpace true in a query, false in a path
 */
export function decodeBytes(raw: string, plusIsSpace: boolean): Buffer | null {
  if (isPlain(raw, plusIsSpace)) return Buffer.from(raw, 'latin1')
  const source = Buffer.from(raw, /[^\0-\xff]/.test(raw) ? 'utf8' : 'latin1')
  let length = 0
  for (let at = 0; at < source.length; at++) {
    const byte = source[at] ?? 0
    if (byte === 0x25) {
      const value = ((HEX[source[at + 1] ?? 0] ?? -1) << 4) | (HEX[source[at + 2] ?? 0] ?? -1)
      if (value < 0) return null
      source[length++] = value
      at += 2
    } else {
      source[length++] = plusIsSpace && byte === 0x2b ? 0x20 : byte
    }
  }
  return source.subarray(0, length)
}

/** As `decodeBytes`, as text; also null when the bytes are not UTF-8. */
export function decodeText(raw: string, plusIsSpace: boolean): string | null {
  if (isPlain(raw, plusIsSpace)) return raw
  const bytes = decodeBytes(raw, plusIsSpace)
  if (bytes === null) return null
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
