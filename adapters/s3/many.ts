/** Many objects at a time: listing and batched removal. */
import { createHash } from 'node:crypto'
import type { ListPage, Location } from '../../src/block/adapter.ts'
import { bucketLocation } from '../../src/block/namespace.ts'
import { DEFAULT_PAGE_SIZE } from '../../src/block/ranges.ts'
import { DomainError, isDomainError } from '../../src/errors.ts'
import type { S3Call, S3Client } from './client.ts'
import { encodeKey } from './endpoint.ts'
import { refusalError } from './errors.ts'
import { deleteObject, readResult, unquoted } from './objects.ts'
import { childrenOf, escapeXml, fitsXml, textOf } from './xml.ts'

/** S3's bound for one DeleteObjects request. */
const DELETE_BATCH = 1000

/** One page of ListObjectsV2; keys travel URL-encoded, since XML cannot carry all of them. */
export async function listObjects(
  client: S3Client,
  prefix: Location,
  { startAfter, next, limit = DEFAULT_PAGE_SIZE }: { startAfter?: string; next?: string; limit?: number },
): Promise<ListPage> {
  const call: S3Call = {
    method: 'GET',
    target: 'bucket',
    location: prefix,
    action: 'list',
    query: [
      ['list-type', '2'],
      ['encoding-type', 'url'],
      ['max-keys', String(Math.min(limit, DEFAULT_PAGE_SIZE))],
      ['prefix', prefix.key],
      ...(startAfter === undefined || next !== undefined ? [] : [['start-after', startAfter] as const]),
      ...(next === undefined ? [] : [['continuation-token', next] as const]),
    ],
    retry: 'any',
  }
  const answer = await client.send(call, (response) => readResult(call, response))
  const decode = textOf(answer, 'EncodingType') === 'url' ? decodeKey : (text: string) => text
  const objects = childrenOf(answer, 'Contents').map((item) => ({
    location: bucketLocation('s3', prefix.container, decode(textOf(item, 'Key'))),
    sizeBytes: Number(textOf(item, 'Size')),
    lastModifiedSeconds: Math.floor(Date.parse(textOf(item, 'LastModified')) / 1000) || 0,
    eTag: unquoted(textOf(item, 'ETag')) ?? '',
  }))
  const token = textOf(answer, 'NextContinuationToken')
  const hasMore = textOf(answer, 'IsTruncated') === 'true'
  if (hasMore && (token === '' || token === next)) {
    const message = `cannot list "${prefix.uri}": the storage says that there is more, but not how to go on`
    throw new DomainError('storage_unsupported', message)
  }
  return { objects, next: hasMore ? token : null }
}

function decodeKey(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

/** Removes any number of objects of any buckets; answers the failures. */
export async function deleteObjects(
  client: S3Client,
  locations: readonly Location[],
): Promise<{ location: Location; error: Error }[]> {
  const failures: { location: Location; error: Error }[] = []
  const byBucket = new Map<string, Location[]>()
  for (const location of locations) {
    if (!fitsXml(location.key)) {
      failures.push(...(await deleteSingly(client, [location])))
      continue
    }
    const inBucket = byBucket.get(location.container)
    if (inBucket === undefined) byBucket.set(location.container, [location])
    else inBucket.push(location)
  }
  for (const inBucket of byBucket.values()) {
    for (let at = 0; at < inBucket.length; at += DELETE_BATCH) {
      failures.push(...(await deleteBatch(client, inBucket.slice(at, at + DELETE_BATCH))))
    }
  }
  return failures
}

async function deleteBatch(
  client: S3Client,
  batch: readonly Location[],
): Promise<{ location: Location; error: Error }[]> {
  const [first] = batch
  if (first === undefined) return []
  const items = batch.map(({ key }) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('')
  const body = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${items}</Delete>`,
  )
  const call: S3Call = {
    method: 'POST',
    target: 'bucket',
    location: { ...first, uri: `s3://${first.container}` },
    action: 'remove objects of',
    query: [['delete', '']],
    headers: { 'content-md5': createHash('md5').update(body).digest('base64'), 'content-type': 'application/xml' },
    body,
    retry: 'any',
  }
  try {
    const answer = await client.send(call, (response) => readResult(call, response))
    const byKey = new Map(batch.map((location) => [location.key, location]))
    return childrenOf(answer, 'Error').flatMap((item) => {
      const location = byKey.get(textOf(item, 'Key'))
      const code = textOf(item, 'Code')
      if (location === undefined || code === 'NoSuchKey') return []
      const status = code === 'AccessDenied' ? 403 : 500
      const refusal = { status, code, message: textOf(item, 'Message'), region: '', requestId: '' }
      return [{ location, error: refusalError('remove', location, refusal) }]
    })
  } catch (error) {
    if (isDomainError(error, 'storage_unsupported')) return deleteSingly(client, batch)
    const failure = error instanceof Error ? error : new Error(String(error))
    return batch.map((location) => ({ location, error: failure }))
  }
}

async function deleteSingly(
  client: S3Client,
  batch: readonly Location[],
): Promise<{ location: Location; error: Error }[]> {
  const failures: { location: Location; error: Error }[] = []
  for (const location of batch) {
    try {
      encodeKey(location)
      await deleteObject(client, location)
    } catch (error) {
      failures.push({ location, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  return failures
}
