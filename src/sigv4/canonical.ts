/**
 * The canonical form of a request that AWS Signature Version 4 signs
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 *
 * Path and query are taken raw, decoded and encoded again, because runtimes differ in which characters they leave encoded. Nothing is
 * collapsed: `//` and dot segments stay what they are.
 */
import { createHash } from 'node:crypto'

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string
  /** The request target before `?`, still encoded. */
  readonly rawPath: string
  /** The request target after `?`, `""` when there is none. */
  readonly rawQuery: string
  /** A header by its lower-case name: bytes as latin-1 text, repeated ones joined by `,`; null when absent. */
  header(name: string): string | null
}

const PLAIN_PATH = /^[A-Za-z0-9\-._~/]*$/
const PLAIN_TOKEN = /^[A-Za-z0-9\-._~]*$/

/** Encodes a path: unreserved characters and slashes stay, an encoded slash counts as one, `+` is a plus. */
export function canonicalPath(rawPath: string): string {
  if (rawPath === '') return '/'
  return PLAIN_PATH.test(rawPath) ? rawPath : reencode(rawPath, true)
}

/** Encodes and sorts a query; `+` is a space. `except` is left out (the signature of a presigned URL). */
export function canonicalQuery(rawQuery: string, except: string | null): string {
  if (rawQuery === '') return ''
  const pairs: [string, string][] = []
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = canonicalToken(at === -1 ? pair : pair.slice(0, at))
    if (name !== except) pairs.push([name, at === -1 ? '' : canonicalToken(pair.slice(at + 1))])
  }
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

function canonicalToken(raw: string): string {
  return PLAIN_TOKEN.test(raw) ? raw : reencode(raw.replaceAll('+', '%20'), false)
}

/** Percent-encodes text: all but unreserved characters (and slashes, where they separate). Hex in upper case. */
export function encodeRfc3986(text: string, keepSlashes: boolean): string {
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return keepSlashes ? encoded.replaceAll('%2F', '/') : encoded
}

/** Works on bytes, so that escapes which are not UTF-8 keep their value; a stray `%` is taken literally. */
function reencode(raw: string, keepSlashes: boolean): string {
  return raw.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/gu, (piece) => {
    if (piece.length === 3 && piece.startsWith('%')) return encodeByte(Number.parseInt(piece.slice(1), 16), keepSlashes)
    if (piece === '/' && keepSlashes) return piece
    return encodeRfc3986(Buffer.from(piece).toString(), keepSlashes)
  })
}

function encodeByte(byte: number, keepSlashes: boolean): string {
  const character = String.fromCharCode(byte)
  if (PLAIN_TOKEN.test(character) || (keepSlashes && character === '/')) return character
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** Value of one header as signed: blanks and tabs trimmed and made one blank; latin-1's no-break space (A0) is a byte like any other. */
function canonicalHeader(value: string): string {
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')
}

/** The canonical request with the headers named in `signedHeaders` (lower case, sorted). */
export function canonicalRequest(
  request: WireRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
  exceptQuery: string | null,
): string {
  let headers = ''
  for (const name of signedHeaders) headers += `${name}:${canonicalHeader(request.header(name) ?? '')}\n`
  return `${request.method}\n${canonicalPath(request.rawPath)}\n${canonicalQuery(request.rawQuery, exceptQuery)}\n${headers}\n${signedHeaders.join(';')}\n${payloadHash}`
}

/** Hex SHA-256 of a canonical request, whose header values are bytes as latin-1 text. */
export function hashCanonicalRequest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}
