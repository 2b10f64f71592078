/** Multipart uploads, and what is built of them: bodies of unknown length and copies above 5 GiB. */
import type { Location, PutBody, PutOptions, PutResult, UploadedPart } from '../../src/block/adapter.ts'
import { gatherParts, isWhole, readBody, type StreamBody } from '../../src/block/body.ts'
import type { S3Settings } from '../../src/block/definition.ts'
import { MAX_PART_NUMBER } from '../../src/block/multipart.ts'
import { DomainError } from '../../src/errors.ts'
import type { S3Call, S3Client, SizedStream } from './client.ts'
import { copySource, headObject, putObject, readResult, unquoted, writeHeaders } from './objects.ts'
import { childrenOf, escapeXml, textOf } from './xml.ts'

/** Sizes that tests make small. */
export interface MultipartSizes {
  /** Parts that bodies of unknown length are gathered into; at most two of them are in memory. At least 5 MiB on S3. */
  readonly partBytes: number
  /** Largest single PutObject and CopyObject: 5 GiB on S3. */
  readonly singleLimitBytes: number
  /** Parts of a large copy. */
  readonly copyPartBytes: number
}

/** S3's limits. */
export const S3_SIZES: MultipartSizes = {
  partBytes: 8 * 1024 ** 2,
  singleLimitBytes: 5 * 1024 ** 3,
  copyPartBytes: 1024 ** 3,
}

export async function createUpload(
  client: S3Client,
  settings: S3Settings,
  location: Location,
  options: PutOptions,
): Promise<string> {
  const call: S3Call = {
    method: 'POST',
    target: 'object',
    location,
    action: 'begin an upload of',
    query: [['uploads', '']],
    headers: writeHeaders(settings, options),
    retry: 'any',
  }
  const uploadId = textOf(await client.send(call, (response) => readResult(call, response)), 'UploadId')
  if (uploadId !== '') return uploadId
  throw new DomainError('storage_unavailable', `cannot begin an upload of "${location.uri}": the storage gave no id`)
}

/** UploadPart of a body whose length is known. */
export function uploadPart(
  client: S3Client,
  location: Location,
  uploadId: string,
  partNumber: number,
  body: Uint8Array | SizedStream,
  signal?: AbortSignal,
): Promise<{ eTag: string }> {
  const call: S3Call = {
    method: 'PUT',
    target: 'object',
    location,
    action: `write part ${partNumber} of`,
    query: partQuery(uploadId, partNumber),
    body,
    retry: 'any',
    ...(signal === undefined ? {} : { signal }),
  }
  return client.send(call, async (response) => {
    await response.arrayBuffer()
    return { eTag: requireETag(unquoted(response.headers.get('etag')), location) }
  })
}

/** The parameters that make a request one about a part. */
export function partQuery(uploadId: string, partNumber: number): readonly (readonly [string, string])[] {
  return [
    ['partNumber', String(partNumber)],
    ['uploadId', uploadId],
  ]
}

/** All parts, over as many pages as S3 makes of them. */
export async function listUploadParts(
  client: S3Client,
  location: Location,
  uploadId: string,
): Promise<(UploadedPart & { sizeBytes: number })[]> {
  const parts: (UploadedPart & { sizeBytes: number })[] = []
  for (let marker = 0; ; ) {
    const call: S3Call = {
      method: 'GET',
      target: 'object',
      location,
      action: 'list the parts of',
      query: [
        ['uploadId', uploadId],
        ['part-number-marker', String(marker)],
      ],
      retry: 'any',
    }
    const answer = await client.send(call, (response) => readResult(call, response))
    for (const part of childrenOf(answer, 'Part')) {
      parts.push({
        partNumber: Number(textOf(part, 'PartNumber')),
        eTag: unquoted(textOf(part, 'ETag')) ?? '',
        sizeBytes: Number(textOf(part, 'Size')),
      })
    }
    const next = Number(textOf(answer, 'NextPartNumberMarker'))
    if (textOf(answer, 'IsTruncated') !== 'true' || !(next > marker)) return parts
    marker = next
  }
}

/** CompleteMultipartUpload; not repeated, since S3 forgets an upload that it completed. */
export async function completeUpload(
  client: S3Client,
  location: Location,
  uploadId: string,
  parts: readonly UploadedPart[],
  ifAbsent: boolean,
): Promise<PutResult> {
  if (parts.length === 0) {
    throw new DomainError('invalid_argument', `cannot complete "${location.uri}": no part is named`)
  }
  const items = parts
    .map(
      ({ partNumber, eTag }) =>
        `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeXml(`"${eTag}"`)}</ETag></Part>`,
    )
    .join('')
  const call: S3Call = {
    method: 'POST',
    target: 'object',
    location,
    action: 'complete the upload of',
    query: [['uploadId', uploadId]],
    headers: { 'content-type': 'application/xml', ...(ifAbsent ? { 'if-none-match': '*' } : {}) },
    body: Buffer.from(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${items}</CompleteMultipartUpload>`,
    ),
    retry: 'refused',
  }
  const answer = await client.send(call, (response) => readResult(call, response))
  return { eTag: unquoted(textOf(answer, 'ETag')) }
}

export async function abortUpload(client: S3Client, location: Location, uploadId: string): Promise<void> {
  const call: S3Call = {
    method: 'DELETE',
    target: 'object',
    location,
    action: 'abort the upload of',
    query: [['uploadId', uploadId]],
    retry: 'any',
  }
  await client.send(call, (response) => response.arrayBuffer())
}

/**
 * Stores a stream in parts gathered in memory: one is sent while the next is filled. What fits into one part is one PutObject.
 * On failure the upload is aborted, so that nothing is visible and nothing is paid for.
 */
export async function putInParts(
  client: S3Client,
  settings: S3Settings,
  sizes: MultipartSizes,
  location: Location,
  body: StreamBody,
  options: PutOptions,
): Promise<PutResult> {
  const partBytes = Math.max(sizes.partBytes, Math.ceil((body.sizeBytes ?? 0) / MAX_PART_NUMBER))
  const reader = readBody(body)
  const chunks = gatherParts(reader, partBytes)
  const first = await chunks.next()
  if (first.done === true || first.value.length < partBytes) {
    const whole = first.done === true ? new Uint8Array(0) : first.value
    return putObject(client, settings, location, whole, options)
  }
  let uploadId: string | null = null
  let sending: Promise<UploadedPart>[] = []
  try {
    uploadId = await createUpload(client, settings, location, options)
    const parts: UploadedPart[] = []
    for (let part: Uint8Array = first.value, partNumber = 1; ; partNumber++) {
      if (partNumber > MAX_PART_NUMBER) throw tooLarge(location, partBytes)
      sending = [sendPart(client, location, uploadId, partNumber, part, options.signal)]
      const [next, sent] = await Promise.all([chunks.next(), ...sending])
      if (sent !== undefined) parts.push(sent)
      if (next.done === true) break
      part = next.value
    }
    return await completeUpload(client, location, uploadId, parts, options.ifAbsent === true)
  } catch (error) {
    // First the source: a slow one may have megabytes of the next part still to come.
    await reader.cancel(error)
    await Promise.allSettled(sending)
    if (uploadId !== null) await abortUpload(client, location, uploadId).catch(() => undefined)
    throw error
  }
}

async function sendPart(
  client: S3Client,
  location: Location,
  uploadId: string,
  partNumber: number,
  part: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<UploadedPart> {
  return { partNumber, ...(await uploadPart(client, location, uploadId, partNumber, part, signal)) }
}

/** A body for one request: streams of unknown length have no place there. */
export function isSized(body: PutBody): body is Uint8Array | SizedStream {
  return isWhole(body) || body.sizeBytes !== null
}

/** Copies an object of any size by UploadPartCopy. */
export async function copyInParts(
  client: S3Client,
  settings: S3Settings,
  sizes: MultipartSizes,
  from: Location,
  to: Location,
): Promise<PutResult> {
  const { sizeBytes, eTag } = await headObject(client, from)
  const uploadId = await createUpload(client, settings, to, {})
  try {
    const parts: UploadedPart[] = []
    for (let start = 0, partNumber = 1; start < sizeBytes; start += sizes.copyPartBytes, partNumber++) {
      const call: S3Call = {
        method: 'PUT',
        target: 'object',
        location: to,
        action: `copy part ${partNumber} to`,
        query: partQuery(uploadId, partNumber),
        headers: {
          'x-amz-copy-source': copySource(from),
          'x-amz-copy-source-if-match': `"${eTag}"`,
          'x-amz-copy-source-range': `bytes=${start}-${Math.min(start + sizes.copyPartBytes, sizeBytes) - 1}`,
        },
        retry: 'any',
      }
      const answer = await client.send(call, (response) => readResult(call, response))
      parts.push({ partNumber, eTag: requireETag(unquoted(textOf(answer, 'ETag')), to) })
    }
    return await completeUpload(client, to, uploadId, parts, false)
  } catch (error) {
    await abortUpload(client, to, uploadId).catch(() => undefined)
    throw error
  }
}

function requireETag(eTag: string | null, location: Location): string {
  if (eTag !== null) return eTag
  throw new DomainError('storage_unsupported', `cannot write a part of "${location.uri}": the storage gave no ETag`)
}

function tooLarge(location: Location, partBytes: number): DomainError {
  const limitBytes = partBytes * MAX_PART_NUMBER
  return new DomainError(
    'payload_too_large',
    `cannot write "${location.uri}": a body of unknown length may have at most ${limitBytes} bytes`,
  )
}
