/** Operations of clients that write to the storage themselves. */
import * as v from 'valibot'
import type { Catalog } from '../catalog/catalog.ts'
import { getPhysicalAddress, linkPhysicalAddress } from '../catalog/link-address.ts'
import { DomainError } from '../errors.ts'
import { databaseText, readJson } from './body.ts'
import { isHeaderText } from './header-text.ts'
import { metadataBody } from './metadata.ts'
import { showObject } from './object-stats.ts'
import { onlyIfAbsent } from './preconditions.ts'
import type { ApiRequest } from './request.ts'
import { json, type Reply } from './responses.ts'
import { timestampSeconds } from './times.ts'

const linking = v.object({
  staging: v.object({ physical_address: databaseText }),
  // As storages send it: quoted. It goes out as the ETag.
  checksum: v.pipe(
    v.string(),
    v.transform((checksum) => checksum.replace(/[" ]/g, '')),
    v.check(isHeaderText, 'must not contain control characters or any beyond U+00FF'),
  ),
  size_bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0, 'must not be negative')),
  mtime: v.nullish(timestampSeconds),
  user_metadata: v.nullish(metadataBody),
  content_type: v.nullish(databaseText),
  force: v.nullish(v.boolean()),
})

export function linkObjectHandlers(catalog: Catalog) {
  return {
    async getPhysicalAddress(request: ApiRequest): Promise<Reply> {
      const { uri, presigned } = await getPhysicalAddress(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        path: request.query.requiredBytes('path'),
        presign: request.query.boolean('presign', false),
      })
      return json(200, {
        physical_address: uri,
        presigned_url: presigned?.url ?? null,
        ...(presigned === null ? {} : { presigned_url_expiry: presigned.expiresAtSeconds }),
      })
    },

    async linkPhysicalAddress(request: ApiRequest): Promise<Reply> {
      const ifAbsent = onlyIfAbsent(request)
      const body = await readJson(request, linking)
      if (body.checksum === '') throw new DomainError('invalid_argument', 'checksum is required')
      const record = await linkPhysicalAddress(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        path: request.query.requiredBytes('path'),
        force: body.force ?? false,
        ifAbsent,
        physicalAddress: body.staging.physical_address,
        checksum: body.checksum,
        sizeBytes: body.size_bytes,
        mtimeSeconds: body.mtime ?? null,
        metadata: body.user_metadata ?? {},
        contentType: body.content_type || null,
      })
      return json(200, { ...showObject(record), physical_address: body.staging.physical_address })
    },
  }
}
