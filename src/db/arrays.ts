/**
 * Array parameters as Postgres array literals in text: `$1::text::bytea[]`. The drivers disagree on arrays (postgres.js cannot send
 * `bytea[]` at all), text they all send alike.
 */

/** `{\\x00ff,NULL,…}` for `$n::text::bytea[]`. */
export function byteaArray(values: readonly (Uint8Array | null)[]): string {
  return hexArray(values.map((value) => (value === null ? null : toHex(value))))
}

/** As `byteaArray`, of values that are hex already. */
export function hexArray(values: readonly (string | null)[]): string {
  // Unquoted elements: a backslash escapes the next character, so `\\x` reads as `\x`.
  return `{${values.map((value) => (value === null ? 'NULL' : `\\\\x${value}`)).join(',')}}`
}

/** `{a,b}` for `$n::text::uuid[]`; also for other values without quotes, commas, braces, blanks or backslashes, such as commit ids. */
export function uuidArray(values: readonly string[]): string {
  return `{${values.join(',')}}`
}

/** `{"a","b"}` for `$n::text::text[]`, whatever the values contain. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/** Lower-case hex, whose order is the order of the bytes. */
export function toHex(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('hex')
}
