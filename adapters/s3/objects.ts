/** Objects one at a time: put, get, head, delete, copy. */
import type {
  ByteRange,
  GetResult,
  Location,
  ObjectProperties,
  PutOptions,
  PutResult,
} from '../../src/block/adapter.ts'
import { BUFFERED_LIMIT_BYTES } from '../../src/block/body.ts'
import type { S3Settings } from '../../src/block/definition.ts'
import { unsatisfiable } from '../../src/block/ranges.ts'
import { DomainError } from '../../src/errors.ts'
import type { S3Call, S3Client, SizedStream } from './client.ts'
import { encodeKey, encodeSegment } from './endpoint.ts'
import { refusalError, requestIdOf } from './errors.ts'
import { parseError, parseXml, textOf } from './xml.ts'

/** What a write is stored with. */
export function writeHeaders(settings: S3Settings, options: PutOptions): Record<string, string> {
  const { serverSideEncryption, serverSideEncryptionKmsKeyId } = settings
  return {
    ...(options.contentType === undefined ? {} : { 'content-type': options.contentType }),
    ...(options.storageClass === undefined ? {} : { 'x-amz-storage-class': options.storageClass }),
    ...(serverSideEncryption === null ? {} : { 'x-amz-server-side-encryption': serverSideEncryption }),
    ...(serverSideEncryptionKmsKeyId === null
      ? {}
      : { 'x-amz-server-side-encryption-aws-kms-key-id': serverSideEncryptionKmsKeyId }),
  }
}

/** One PutObject. A stream is sent once; a conditional put is not repeated, since a repetition would meet its own first success. */
export function putObject(
  client: S3Client,
  settings: S3Settings,
  location: Location,
  body: Uint8Array | SizedStream,
  options: PutOptions,
): Promise<PutResult> {
  const isConditional = options.ifAbsent === true
  const headers = { ...writeHeaders(settings, options), ...(isConditional ? { 'if-none-match': '*' } : {}) }
  const call: S3Call = {
    method: 'PUT',
    target: 'object',
    location,
    action: 'write',
    headers,
    body,
    retry: isConditional ? 'refused' : 'any',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
  return client.send(call, async (response) => {
    await response.arrayBuffer()
    return { eTag: unquoted(response.headers.get('etag')) }
  })
}

/** GetObject, whole or a range. */
export async function getObject(
  client: S3Client,
  location: Location,
  range: ByteRange | undefined,
): Promise<GetResult> {
  if (range !== undefined && (range.start < 0 || range.end <= range.start)) {
    throw unsatisfiable(range.start, range.end, location)
  }
  return fetchObject(client, location, range === undefined ? null : `bytes=${range.start}-${range.end - 1}`, false)
}

/** The last bytes of an object. A suffix range of an empty object is refused by S3, so that is asked again without one. */
export async function getObjectTail(
  client: S3Client,
  location: Location,
  bytes: number,
): Promise<{ bytes: Uint8Array; totalBytes: number }> {
  try {
    const { body, totalBytes } = await fetchObject(client, location, `bytes=-${bytes}`, false)
    return { bytes: await gather(body), totalBytes }
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'range_not_satisfiable') throw error
    const { sizeBytes } = await headObject(client, location)
    if (sizeBytes > 0) throw error
    return { bytes: new Uint8Array(0), totalBytes: 0 }
  }
}

async function fetchObject(
  client: S3Client,
  location: Location,
  range: string | null,
  asIs: boolean,
): Promise<GetResult> {
  const call: S3Call = {
    method: 'GET',
    target: 'object',
    location,
    action: 'read',
    ...(asIs ? { query: [['response-content-encoding', 'identity']] } : {}),
    ...(range === null ? {} : { headers: { range } }),
    retry: 'any',
  }
  const result = await client.send(call, async (response) => {
    if (isEncoded(response) && !asIs) {
      await response.body?.cancel()
      return null
    }
    return readAnswer(response, range !== null, location)
  })
  // `fetch` unpacks what is stored with `Content-Encoding: gzip`; asked to call it identity, S3 gives the bytes as they are stored.
  return result ?? fetchObject(client, location, range, true)
}

function isEncoded(response: Response): boolean {
  const encoding = response.headers.get('content-encoding')
  return encoding !== null && encoding !== '' && encoding !== 'identity' && encoding !== 'aws-chunked'
}

async function readAnswer(response: Response, isRange: boolean, location: Location): Promise<GetResult> {
  const sizeBytes = Number(response.headers.get('content-length') ?? Number.NaN)
  const totalText = isRange ? /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] : String(sizeBytes)
  const totalBytes = Number(totalText ?? Number.NaN)
  if (!Number.isSafeInteger(sizeBytes) || !Number.isSafeInteger(totalBytes) || (isRange && response.status !== 206)) {
    await response.body?.cancel()
    throw new DomainError(
      'storage_unsupported',
      `cannot read "${location.uri}": the storage did not answer with a length, or ignored the range`,
    )
  }
  if (response.body === null) return { body: new Uint8Array(0), sizeBytes: 0, totalBytes }
  if (sizeBytes > BUFFERED_LIMIT_BYTES) return { body: response.body, sizeBytes, totalBytes }
  const body = new Uint8Array(await response.arrayBuffer())
  if (body.length !== sizeBytes) throw new Error(`the answer ended after ${body.length} of ${sizeBytes} bytes`)
  return { body, sizeBytes, totalBytes }
}

async function gather(body: GetResult['body']): Promise<Uint8Array> {
  return body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer())
}

/** HeadObject. */
export function headObject(client: S3Client, location: Location): Promise<ObjectProperties> {
  return client.send(
    { method: 'HEAD', target: 'object', location, action: 'read', retry: 'any' },
    async (response) => ({
      sizeBytes: Number(response.headers.get('content-length') ?? '0'),
      lastModifiedSeconds: Math.floor(Date.parse(response.headers.get('last-modified') ?? '') / 1000) || 0,
      eTag: unquoted(response.headers.get('etag')) ?? '',
      storageClass: response.headers.get('x-amz-storage-class'),
    }),
  )
}

/** DeleteObject; S3 does not say whether it was there, stores that do are overruled. */
export async function deleteObject(client: S3Client, location: Location): Promise<void> {
  const call: S3Call = { method: 'DELETE', target: 'object', location, action: 'remove', retry: 'any' }
  try {
    await client.send(call, (response) => response.arrayBuffer())
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'storage_not_found') throw error
  }
}

/** Value of `x-amz-copy-source`. */
export function copySource(from: Location): string {
  return `${encodeSegment(from.container)}/${encodeKey(from)}`
}

/** CopyObject, at most 5 GiB. */
export async function copyObject(
  client: S3Client,
  settings: S3Settings,
  from: Location,
  to: Location,
): Promise<PutResult> {
  const headers = { ...writeHeaders(settings, {}), 'x-amz-copy-source': copySource(from) }
  const call: S3Call = { method: 'PUT', target: 'object', location: to, action: 'copy to', headers, retry: 'any' }
  const answer = await client.send(call, (response) => readResult(call, response))
  return { eTag: unquoted(textOf(answer, 'ETag')) }
}

/** Content of an answer's root element. A 200 may carry an `<Error>` that came up after the status was sent: that is thrown. */
export async function readResult(call: S3Call, response: Response): Promise<unknown> {
  const text = await response.text()
  const error = parseError(text)
  if (error !== null) {
    const requestId = requestIdOf(response, error.requestId)
    throw refusalError(call.action, call.location, { status: 200, ...error, requestId })
  }
  return parseXml(text)?.content
}

/** An ETag without quotes and weakness; null when there is none. */
export function unquoted(eTag: string | null): string | null {
  const bare = (eTag ?? '').replace(/^W\//, '').replaceAll('"', '')
  return bare === '' ? null : bare
}
