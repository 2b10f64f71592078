/** Operations of clients that write to the storage themselves. */
import * as v from 'valibot'
import type { Catalog } from '../catalog/catalog.ts'
import { linkPhysicalAddress } from '../catalog/external-objects.ts'
import { getPhysicalAddress } from '../catalog/hand-out-address.ts'
import { DomainError } from '../errors.ts'
import { databaseText, readJson } from './body.ts'
import { externalFields, externalOf, headerText } from './external-object.ts'
import { metadataBody } from './metadata.ts'
import { showObject } from './object-stats.ts'
import { onlyIfAbsent } from './preconditions.ts'
import type { ApiRequest } from './request.ts'
import { json, type Reply } from './responses.ts'

const linking = v.object({
  ...externalFields,
  staging: v.object({ physical_address: databaseText }),
  // As storages send it: quoted.
  checksum: v.pipe(
    v.string(),
    v.transform((checksum) => checksum.replace(/[" ]/g, '')),
    headerText,
  ),
  user_metadata: v.nullish(metadataBody),
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
        ...externalOf(request, body),
        ifAbsent,
        physicalAddress: body.staging.physical_address,
        metadata: body.user_metadata ?? {},
      })
      return json(200, { ...showObject(record), physical_address: body.staging.physical_address })
    },
  }
}
