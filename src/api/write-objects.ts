/** Operations that write objects. */
import * as v from 'valibot'
import type { Catalog } from '../catalog/catalog.ts'
import { stageObject } from '../catalog/external-objects.ts'
import { deleteObject, uploadObject } from '../catalog/write-objects.ts'
import type { HttpBodies } from '../runtime/bodies.ts'
import { databaseText, readJson } from './body.ts'
import { externalFields, externalOf, headerText } from './external-object.ts'
import { metadataBody, metadataOf } from './metadata.ts'
import { showObject, showPlainObject } from './object-stats.ts'
import { onlyIfAbsent } from './preconditions.ts'
import { refuseParameter } from './query.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, type Reply } from './responses.ts'
import { readUploadBody } from './upload-body.ts'

const staging = v.object({
  ...externalFields,
  physical_address: databaseText,
  checksum: v.pipe(v.string(), headerText),
  metadata: v.nullish(metadataBody),
})

/** What S3, Azure and Google call their classes; it goes out in a header. @throws invalid_argument */
function storageClass(request: ApiRequest): string | null {
  const value = request.query.text('storageClass')
  if (value === null || /^[A-Z0-9_-]{1,64}$/.test(value)) return value
  return refuseParameter('storageClass', 'query', 'must be 1 to 64 of A-Z, 0-9, _ and -')
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
        storageClass: storageClass(request),
        metadata: metadataOf(request.raw.headers),
        openBody: () => readUploadBody(request, bodies.incoming),
      })
      return json(201, showObject(record))
    },

    /** Whether the caller may upload; neither repository nor branch need be there. */
    uploadObjectPreflight(request: ApiRequest): Reply {
      request.param('repository')
      request.param('branch')
      request.query.requiredBytes('path')
      return empty(204)
    },

    async stageObject(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request, staging)
      const record = await stageObject(catalog, request, {
        ...externalOf(request, body),
        physicalAddress: body.physical_address,
        metadata: body.metadata ?? {},
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
