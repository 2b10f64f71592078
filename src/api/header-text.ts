/** Text in headers: what can stand there, and what the bytes there mean. */

/** Printable ASCII, tab, and Latin-1: what Node's HTTP accepts as a header's value. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/
const NOT_QUOTABLE = /[^\x20-\x7e\x80-\xff]/gu

/** True when a header can carry `value`. */
export function isHeaderText(value: string): boolean {
  return HEADER_TEXT.test(value)
}

/** `value` as a quoted entity tag. Characters that no header can carry are percent-encoded, so that other values stay other tags. */
export function entityTag(value: string): string {
  return `"${value.replace(NOT_QUOTABLE, percentEncode)}"`
}

function percentEncode(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&')
}

/** Header values arrive as bytes in Latin-1 clothes; where these bytes are UTF-8 that is what the client wrote. */
export function decodeHeaderText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? value : text
}
