/** CRC-32C (Castagnoli) as the table format uses it. */

const polynomial = 0x82f63b78

/** Eight tables of 256 words, one after the other: table k advances a byte over k further zero bytes. */
const tables = buildTables()

function buildTables(): Int32Array {
  const words = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    words[byte] = crc
  }
  for (let at = 256; at < words.length; at++) {
    const previous = words[at - 256] as number
    words[at] = (words[previous & 0xff] as number) ^ (previous >>> 8)
  }
  return words
}

/** CRC-32C of `bytes[start..end)`, an unsigned 32-bit number. Reflected polynomial 0x82F63B78, eight bytes per step. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const t = tables
  let crc = -1
  let at = start
  for (const last = end - 8; at <= last; at += 8) {
    // Reads stay inside [start, end), so none of them is undefined.
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24))
    crc =
      (t[1792 + (low & 0xff)] as number) ^
      (t[1536 + ((low >>> 8) & 0xff)] as number) ^
      (t[1280 + ((low >>> 16) & 0xff)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (bytes[at + 4] as number)] as number) ^
      (t[512 + (bytes[at + 5] as number)] as number) ^
      (t[256 + (bytes[at + 6] as number)] as number) ^
      (t[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (t[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The form stored in block trailers: rotated right by 15 and offset by 0xa282ead8, so that a CRC over CRCs stays useful. */
export function maskedCrc32c(bytes: Uint8Array, start: number, end: number): number {
  const crc = crc32c(bytes, start, end)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
