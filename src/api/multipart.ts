/**
 * One part of a `multipart/form-data` body (RFC 7578 over RFC 2046) as a stream, in bounded memory: at most a chunk and a delimiter are
 * held. Written here because a parser over Node streams costs two conversions per upload.
 *
 * ```
 * [preamble CRLF] --boundary [space…] CRLF
 * headers CRLF CRLF bytes CRLF --boundary [space…] CRLF      (again for each further part)
 * headers CRLF CRLF bytes CRLF --boundary-- [epilogue]
 * ```
 */
import { DomainError } from '../errors.ts'

/** Bytes of a part's headers; browsers and clients send some 200. */
const MAX_HEADER_BYTES = 16 * 1024
const CRLF = Buffer.from('\r\n')
const END_OF_HEADERS = Buffer.from('\r\n\r\n')

/** Gives the body chunk by chunk, null at its end. */
export interface ChunkSource {
  next(): Promise<Uint8Array | null>
  cancel(reason: unknown): Promise<void>
}

export interface Part {
  /** Null when the part states none. */
  readonly contentType: string | null
  /** The next bytes of the part, null after the last, when the rest of the body was seen to be well-formed. */
  next(): Promise<Buffer | null>
}

/** The boundary that a Content-Type names. @throws invalid_argument when there is none */
export function boundaryOf(contentType: string): string {
  const boundary = parameters(contentType).get('boundary')
  if (boundary === undefined || boundary === '' || boundary.length > 70) {
    throw new DomainError('invalid_argument', 'request body has an error: multipart without a usable boundary')
  }
  return boundary
}

/**
 * Moves to the first part named `name`.
 *
 * @throws invalid_argument when there is none, or the body ends before its last boundary (then also from `next`)
 */
export async function openPart(source: ChunkSource, boundary: string, name: string): Promise<Part> {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  // The first delimiter may open the body: then the CRLF before it is not there.
  let held: Buffer = CRLF

  async function more(): Promise<void> {
    const chunk = await source.next()
    if (chunk === null) throw truncated()
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
  }

  /** The bytes before the next delimiter, piece by piece; null when the delimiter is what comes next (and is then skipped). */
  async function piece(): Promise<Buffer | null> {
    let from = 0
    for (;;) {
      const at = held.indexOf(delimiter, from)
      const after = at === -1 ? undefined : held[at + delimiter.length]
      if (at !== -1 && after !== undefined && !mayFollow(after)) {
        // As in Go's reader: a longer word than the boundary is content.
        from = at + 1
        continue
      }
      if (at === 0 && after !== undefined) {
        held = held.subarray(delimiter.length)
        return null
      }
      const end = at === -1 ? held.length - delimiter.length + 1 : at
      if (end > 0) {
        const bytes = held.subarray(0, end)
        held = held.subarray(end)
        return bytes
      }
      await more()
    }
  }

  async function skipPart(): Promise<void> {
    while ((await piece()) !== null);
  }

  /** After a delimiter: the headers of the part that follows, null when it was the last. */
  async function headers(): Promise<Map<string, string> | null> {
    while (held.length < 2) await more()
    if (held[0] === 0x2d && held[1] === 0x2d) return null
    for (;;) {
      // `held` starts with the CRLF that ends the delimiter's line, so headers may also be none.
      const end = held.indexOf(END_OF_HEADERS)
      if (end !== -1 && end <= MAX_HEADER_BYTES) {
        const block = held.toString('utf8', 0, end)
        held = held.subarray(end + END_OF_HEADERS.length)
        return parseHeaders(block)
      }
      if (held.length > MAX_HEADER_BYTES) {
        throw new DomainError(
          'invalid_argument',
          'request body has an error: the headers of a multipart part are too long',
        )
      }
      await more()
    }
  }

  async function finish(): Promise<null> {
    while ((await headers()) !== null) await skipPart()
    while ((await source.next()) !== null);
    return null
  }

  await skipPart()
  for (;;) {
    const part = await headers()
    if (part === null) {
      await finish()
      throw new DomainError('invalid_argument', `multipart upload missing key '${name}': http: no such file`)
    }
    const disposition = part.get('content-disposition') ?? ''
    if (/^\s*form-data\s*(;|$)/i.test(disposition) && parameters(disposition).get('name') === name) {
      return {
        contentType: part.get('content-type') || null,
        async next() {
          return (await piece()) ?? finish()
        },
      }
    }
    await skipPart()
  }
}

/** Space, tab, CR, LF or the first of the closing dashes. */
function mayFollow(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a || byte === 0x2d
}

function truncated(): DomainError {
  return new DomainError(
    'invalid_argument',
    'request body has an error: the multipart body ends before its last boundary',
  )
}

function parseHeaders(block: string): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of block.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

/** The parameters of `value; name=token; name="quoted"`, names in lower case. */
function parameters(header: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, name = '', quoted, token = ''] of header.matchAll(
    /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g,
  )) {
    const value = quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1')
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value)
  }
  return found
}
