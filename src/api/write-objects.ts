/** Operations that write objects. */
import * as v from 'valibot'
import type { Catalog } from '../catalog/catalog.ts'
import { deleteObject, stageObject, uploadObject } from '../catalog/write-objects.ts'
import { DomainError } from '../errors.ts'
import type { HttpBodies } from '../runtime/bodies.ts'
import { databaseText, readJson } from './body.ts'
import { showObject, showPlainObject } from './object-stats.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, type Reply } from './responses.ts'
import { readUploadBody } from './upload-body.ts'

const staging = v.object({
  physical_address: databaseText,
  checksum: databaseText,
  size_bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0, 'must not be negative')),
  mtime: v.nullish(v.pipe(v.number(), v.safeInteger())),
  metadata: v.nullish(v.record(databaseText, databaseText)),
  content_type: v.nullish(databaseText),
  force: v.nullish(v.boolean()),
})

/** `x-lakefs-meta-<key>` and `x-lakefs-internal-<key>` (kept as `::lakefs::<key>`); keys in lower case, the first value wins. */
function userMetadata(request: ApiRequest): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [name, value] of request.raw.headers) {
    if (name.startsWith('x-lakefs-meta-')) metadata[name.slice('x-lakefs-meta-'.length)] = headerText(value)
    else if (name.startsWith('x-lakefs-internal-'))
      metadata[`::lakefs::${name.slice('x-lakefs-internal-'.length)}`] = headerText(value)
  }
  return metadata
}

/** Header values arrive as bytes in Latin-1 clothes; where these bytes are UTF-8 that is what the client wrote. */
function headerText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? value : text
}

/** True for `If-None-Match: *`. @throws not_implemented for any other precondition, as lakeFS answers */
function onlyIfAbsent(request: ApiRequest): boolean {
  const none = request.header('if-none-match')
  if (request.header('if-match') !== null || (none !== null && none !== '*')) {
    throw new DomainError('not_implemented', 'cannot upload with this precondition: only If-None-Match: * is supported')
  }
  return none === '*'
}

export function writeObjectHandlers(catalog: Catalog, bodies: HttpBodies) {
  return {
    async uploadObject(request: ApiRequest): Promise<Reply> {
      const ifAbsent = onlyIfAbsent(request)
      const record = await uploadObject(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        path: request.query.requiredBytes('path'),
        ifAbsent,
        force: request.query.boolean('force', false),
        storageClass: request.query.text('storageClass'),
        metadata: userMetadata(request),
        openBody: () => readUploadBody(request.raw, bodies.incoming),
      })
      return json(201, showObject(record))
    },

    async stageObject(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request.raw, staging)
      const record = await stageObject(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        path: request.query.requiredBytes('path'),
        force: body.force ?? false,
        physicalAddress: body.physical_address,
        checksum: body.checksum,
        sizeBytes: body.size_bytes,
        mtimeSeconds: body.mtime ?? null,
        metadata: body.metadata ?? {},
        contentType: body.content_type || null,
      })
      return json(201, showPlainObject(record))
    },

    async deleteObject(request: ApiRequest): Promise<Reply> {
      await deleteObject(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        path: request.query.requiredBytes('path'),
        force: request.query.boolean('force', false),
      })
      return empty(204)
    },
  }
}
