/** Operations that read objects: content, headers, stat, listing. */
import { objectResource } from '../auth/permissions.ts'
import type { ByteRange, GetResult } from '../block/adapter.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { listObjects, type ObjectRecord, openObject, statObject, storedProperties } from '../catalog/entries.ts'
import { presignItems, presignObject } from '../catalog/presign.ts'
import { isDomainError } from '../errors.ts'
import { wantedRange } from './byte-ranges.ts'
import { entityTag, isHeaderText } from './header-text.ts'
import { showCommonPrefix, showListedObject, showObject, showPlainObject, showPresigned } from './object-stats.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, page, type Reply, type ReplyBody } from './responses.ts'
import { httpDate } from './times.ts'

/** Shown in the browser; everything else is offered as a download, so that a stored page never runs as ours. */
const INLINE = new Set([
  ...['jpeg', 'jpg', 'png', 'gif', 'webp', 'svg+xml'].map((type) => `image/${type}`),
  ...['pdf', 'javascript', 'json', 'xml'].map((type) => `application/${type}`),
  ...['plain', 'markdown', 'x-markdown', 'html', 'css', 'javascript', 'xml'].map((type) => `text/${type}`),
  ...['video/mp4', 'video/webm', 'audio/mpeg', 'audio/wav', 'audio/webm'],
])

/** lakeFS's policy, and a sandbox: a page shown from here is of no origin, so that it neither runs nor asks as ours. Browsers show no PDF in one. */
function securityPolicy(contentType: string): string {
  return contentType === 'application/pdf' ? "default-src 'none'" : "default-src 'none'; sandbox"
}

/** Says nothing that cannot be said in a header, whoever wrote the entry. */
function objectHeaders({ entry }: ObjectRecord): Record<string, string> {
  const lastModified = httpDate(entry.lastModified.seconds)
  return {
    ETag: entityTag(entry.eTag),
    ...(lastModified === null ? {} : { 'Last-Modified': lastModified }),
    'Content-Type': headerSafe(entry.contentType === '' ? 'application/octet-stream' : entry.contentType),
    'Cache-Control': 'no-store, must-revalidate',
    Expires: '0',
  }
}

/** A stored type that no header can carry (control or wide characters) is told as bytes. */
function headerSafe(contentType: string): string {
  return isHeaderText(contentType) ? contentType : 'application/octet-stream'
}

/** What clients learn an object's size from when they read behind its end: without exception, and in this spelling. */
function sizeHeader(totalBytes: number): Record<string, string> {
  return { 'Content-Range': `bytes */${totalBytes}` }
}

function notSatisfiable(totalBytes: number): Reply {
  return json(416, { message: 'Requested Range Not Satisfiable' }, sizeHeader(totalBytes))
}

/** The bytes, or null where the storage has fewer of them than the entry says (of linked objects nobody looked). */
async function openRange(catalog: Catalog, record: ObjectRecord, range: ByteRange): Promise<GetResult | null> {
  try {
    return await openObject(catalog, record, range)
  } catch (error) {
    if (isDomainError(error, 'range_not_satisfiable')) return null
    throw error
  }
}

/** Whose addresses a listing may make URLs of: listing and reading are two permissions. */
function readable(request: ApiRequest): (path: Buffer) => boolean {
  try {
    const filter = request.listFilter('fs:ReadObject')
    const repository = request.param('repository')
    return (path) => filter === null || filter(objectResource(repository, path.toString()))
  } catch (error) {
    if (!isDomainError(error, 'unauthorized')) throw error
    return () => false
  }
}

export function readObjectHandlers(catalog: Catalog) {
  const find = (request: ApiRequest) =>
    statObject(catalog, request, request.param('repository'), request.param('ref'), request.query.requiredBytes('path'))

  const wantsUrl = (request: ApiRequest) => request.query.boolean('presign', false)

  return {
    async getObject(request: ApiRequest): Promise<Reply> {
      const presign = wantsUrl(request)
      const record = await find(request)
      const headers = objectHeaders(record)
      if (request.header('if-none-match') === headers.ETag) return empty(304)
      if (presign) return empty(302, { Location: (await presignObject(catalog, record)).url })
      const totalBytes = record.entry.sizeBytes
      const wanted = wantedRange(request.header('range'), totalBytes)
      if (wanted === 'unsatisfiable') return notSatisfiable(totalBytes)
      headers['X-Content-Type-Options'] = 'nosniff'
      headers['X-Frame-Options'] = 'SAMEORIGIN'
      headers['Content-Security-Policy'] = securityPolicy(record.entry.contentType)
      headers['Content-Disposition'] = INLINE.has(record.entry.contentType) ? 'inline' : 'attachment'
      if (wanted === 'whole') {
        const content = await openObject(catalog, record, null)
        headers['Content-Length'] = String(content.sizeBytes)
        return { status: 200, headers, body: content.body as ReplyBody }
      }
      const content = await openRange(catalog, record, wanted)
      if (content === null) return notSatisfiable(totalBytes)
      headers['Content-Length'] = String(content.sizeBytes)
      headers['Content-Range'] = `bytes ${wanted.start}-${wanted.start + content.sizeBytes - 1}/${totalBytes}`
      return { status: 206, headers, body: content.body as ReplyBody }
    },

    async headObject(request: ApiRequest): Promise<Reply> {
      const record = await find(request)
      const headers = objectHeaders(record)
      headers['Accept-Ranges'] = 'bytes'
      const totalBytes = record.entry.sizeBytes
      const wanted = wantedRange(request.header('range'), totalBytes)
      if (wanted === 'whole')
        return { status: 200, headers: { ...headers, 'Content-Length': String(totalBytes) }, body: null }
      if (wanted === 'unsatisfiable') return empty(416, sizeHeader(totalBytes))
      const { start, end } = wanted
      const part = { 'Content-Length': String(end - start), 'Content-Range': `bytes ${start}-${end - 1}/${totalBytes}` }
      return { status: 206, headers: { ...headers, ...part }, body: null }
    },

    async statObject(request: ApiRequest): Promise<Reply> {
      const presign = wantsUrl(request)
      const metadata = request.query.boolean('user_metadata', true)
      const record = await find(request)
      const shown = metadata ? showObject(record) : { ...showPlainObject(record), metadata: {} }
      return json(200, presign ? { ...shown, ...showPresigned(await presignObject(catalog, record)) } : shown)
    },

    async getUnderlyingProperties(request: ApiRequest): Promise<Reply> {
      const { storageClass } = await storedProperties(catalog, await find(request))
      return json(200, { storage_class: storageClass })
    },

    async listObjects(request: ApiRequest): Promise<Reply> {
      const { query } = request
      const presign = wantsUrl(request)
      const metadata = query.boolean('user_metadata', true)
      const found = await listObjects(catalog, request, request.param('repository'), request.param('ref'), {
        prefix: query.bytes('prefix') ?? Buffer.alloc(0),
        after: query.bytes('after') ?? Buffer.alloc(0),
        delimiter: query.bytes('delimiter') ?? Buffer.alloc(0),
        amount: query.amount(),
      })
      const urls = presign ? await presignItems(catalog, found.repository, found.items, readable(request)) : null
      const results = found.items.map((item, at) => {
        if ('commonPrefix' in item) return showCommonPrefix(item.commonPrefix)
        const shown = metadata ? showListedObject(item) : showPlainObject(item)
        const url = urls?.[at] ?? null
        return url === null ? shown : { ...shown, ...showPresigned(url) }
      })
      return json(200, page(results, found.hasMore, found.nextOffset))
    },
  }
}
