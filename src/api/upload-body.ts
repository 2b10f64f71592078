/** The object in an upload request: the raw body, or the part named `content` of a multipart form. */
import { DomainError } from '../errors.ts'
import { type HttpBodies, plainBodies } from '../runtime/bodies.ts'
import { type BodySource, nextOf, WHOLE_LIMIT_BYTES, wholeOf } from './body-patience.ts'
import { isHeaderText } from './header-text.ts'
import { boundaryOf, type ChunkSource, openPart, type Part } from './multipart.ts'

const FORM_FIELD = 'content'
/** `type/subtype` or a lone token, and whatever parameters: what Go's media type parser takes. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+(\/[\w!#$%&'*+.^`|~-]+)?\s*(;.*)?$/

export interface UploadBody {
  /** The object's bytes; empty when `whole` has them. A body that ends early fails here, before its end. */
  readonly stream: ReadableStream<Uint8Array>
  /** Null when not known before the end (chunked requests, forms). */
  readonly sizeBytes: number | null
  /** The media type as it was sent, of the body or of the form's part; null for none. */
  readonly contentType: string | null
  /** All of it, when it is small. */
  readonly whole?: Uint8Array
}

/**
 * Opens the object of an upload. Nothing is read yet of a large body; one chunk at a time afterwards, at the pace of the reader, as
 * `incoming` cuts them.
 *
 * @throws invalid_argument for a malformed media type (of a part: one that no header can carry), and for a form without boundary, without the field `content` (lakeFS's text)
 *   or without its last boundary; body_incomplete when the client goes away, body_silent when it says nothing for too long
 */
export async function readUploadBody(
  source: BodySource,
  incoming: HttpBodies['incoming'] = plainBodies.incoming,
): Promise<UploadBody> {
  const request = source.raw
  const contentType = request.headers.get('content-type') || null
  if (contentType !== null && !(MEDIA_TYPE.test(contentType) && isHeaderText(contentType))) {
    throw new DomainError('invalid_argument', `parameter "Content-Type" in header has an error: not a media type`)
  }
  const declared = request.headers.get('content-length')
  const sizeBytes = declared === null ? null : Number(declared)
  const whole = sizeBytes !== null && sizeBytes <= WHOLE_LIMIT_BYTES ? await readWhole(source, sizeBytes) : null
  if (contentType !== null && /^multipart\/form-data\s*(;|$)/i.test(contentType)) {
    const boundary = boundaryOf(contentType)
    return whole === null ? streamForm(readChunks(source, incoming), boundary) : readForm(whole, boundary)
  }
  if (whole !== null) return wholeBody(whole, contentType)
  return { stream: streamOf(readChunks(source, incoming)), sizeBytes, contentType }
}

async function streamForm(source: ChunkSource, boundary: string): Promise<UploadBody> {
  const part = await openContent(source, boundary)
  const stream = streamOf({ next: () => part.next(), cancel: (reason) => source.cancel(reason) })
  return { stream, sizeBytes: null, contentType: part.contentType }
}

async function openContent(source: ChunkSource, boundary: string): Promise<Part> {
  const part = await openPart(source, boundary, FORM_FIELD)
  if (part.contentType === null || isHeaderText(part.contentType)) return part
  throw new DomainError(
    'invalid_argument',
    `request body has an error: the Content-Type of "${FORM_FIELD}" has characters that no header can carry`,
  )
}

function streamOf(source: ChunkSource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await source.next()
        if (bytes === null) controller.close()
        else controller.enqueue(bytes)
      },
      cancel: (reason) => source.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

async function readForm(whole: Uint8Array, boundary: string): Promise<UploadBody> {
  let rest: Uint8Array | null = whole
  const source: ChunkSource = {
    async next() {
      const chunk = rest
      rest = null
      return chunk
    },
    async cancel() {},
  }
  const part = await openContent(source, boundary)
  const pieces: Buffer[] = []
  for (let bytes = await part.next(); bytes !== null; bytes = await part.next()) pieces.push(bytes)
  const [only] = pieces
  return wholeBody(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces), part.contentType)
}

function wholeBody(whole: Uint8Array, contentType: string | null): UploadBody {
  return { stream: emptyStream(), sizeBytes: whole.length, contentType, whole }
}

async function readWhole({ raw, bodyIdleMs }: BodySource, sizeBytes: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await wholeOf(raw.arrayBuffer(), bodyIdleMs, sizeBytes))
  } catch (cause) {
    if (cause instanceof DomainError) throw cause
    throw new DomainError('body_incomplete', 'cannot read the request body: it ended early', { cause })
  }
}

/** On Node a body whose client was gone before it was opened ends at once, as an empty one does: an end counts while the client is there. */
function readChunks({ raw, bodyIdleMs }: BodySource, incoming: HttpBodies['incoming']): ChunkSource {
  const reader = bodyOf(raw, incoming).getReader()
  return {
    async next() {
      try {
        const { done, value } = await nextOf(reader.read(), bodyIdleMs)
        if (done) raw.signal.throwIfAborted()
        return done ? null : value
      } catch (cause) {
        if (cause instanceof DomainError) {
          reader.cancel(cause).catch(() => undefined)
          throw cause
        }
        throw new DomainError('body_incomplete', 'cannot read the request body: it ended early', { cause })
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }
}

function bodyOf({ body }: Request, incoming: HttpBodies['incoming']): ReadableStream<Uint8Array> {
  return body === null ? emptyStream() : incoming(body)
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}
