/** User metadata of objects and commits, as JSON and as headers. */
import * as v from 'valibot'
import { decodeHeaderText } from './header-text.ts'

const USER = 'x-lakefs-meta-'
const INTERNAL = 'x-lakefs-internal-'

/**
 * Metadata in a body: an object whose keys and values are text without NUL. Every key is kept, also `__proto__` and `constructor`
 * (own properties like any other, which `v.record` would leave out).
 */
export const metadataBody = v.pipe(
  v.custom<Record<string, string>>(
    (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
    'must be an object',
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const input = dataset.value
    for (const [key, value] of Object.entries<unknown>(input)) {
      const message = problemOf(key, value)
      if (message !== null) addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value }] })
    }
  }),
)

function problemOf(key: string, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string'
  return key.includes('\0') || value.includes('\0') ? 'must not contain NUL' : null
}

/**
 * Metadata in headers: `x-lakefs-meta-<key>`, and `x-lakefs-internal-<key>` (kept as `::lakefs::<key>`). Keys are in lower case; a
 * header that was sent several times arrives as one value, joined by `, `.
 */
export function metadataOf(headers: Headers): Record<string, string> {
  const found: [string, string][] = []
  for (const [name, value] of headers) {
    if (name.startsWith(USER)) found.push([name.slice(USER.length), decodeHeaderText(value)])
    else if (name.startsWith(INTERNAL))
      found.push([`::lakefs::${name.slice(INTERNAL.length)}`, decodeHeaderText(value)])
  }
  return Object.fromEntries(found)
}
