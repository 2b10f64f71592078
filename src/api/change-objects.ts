/** Operations that make objects from objects: a copy, other metadata. */
import * as v from 'valibot'
import { allOf, objectResource, permission } from '../auth/permissions.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { copyObject } from '../catalog/copy-object.ts'
import { updateObjectUserMetadata } from '../catalog/user-metadata.ts'
import { DomainError } from '../errors.ts'
import { parseObjectPath } from '../refs/names.ts'
import { databaseText, readJson } from './body.ts'
import { metadataBody } from './metadata.ts'
import { showObject } from './object-stats.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, type Reply } from './responses.ts'

const copying = v.object({
  src_path: v.string(),
  src_ref: v.nullish(databaseText),
  force: v.nullish(v.boolean()),
  shallow: v.nullish(v.boolean()),
})

const newMetadata = v.object({ set: metadataBody })

export function changeObjectHandlers(catalog: Catalog) {
  return {
    async copyObject(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request, copying)
      const repository = request.param('repository')
      const path = parseObjectPath(request.query.requiredBytes('dest_path'), 'dest_path')
      const sourcePath = parseObjectPath(Buffer.from(body.src_path), 'src_path')
      request.authorize(() =>
        allOf(
          permission('fs:ReadObject', objectResource(repository, body.src_path)),
          permission('fs:WriteObject', objectResource(repository, path.toString())),
        ),
      )
      if (body.shallow === true)
        throw new DomainError('not_implemented', 'cannot copy object: shallow copies are not supported')
      const record = await copyObject(catalog, request, {
        repository,
        branch: request.param('branch'),
        path,
        force: body.force ?? false,
        sourceRef: body.src_ref || null,
        sourcePath,
      })
      return json(201, showObject(record))
    },

    async updateObjectUserMetadata(request: ApiRequest): Promise<Reply> {
      const { set } = await readJson(request, newMetadata)
      const target = {
        repository: request.param('repository'),
        branch: request.param('branch'),
        path: request.query.requiredBytes('path'),
        force: false,
      }
      await updateObjectUserMetadata(catalog, request, target, set)
      return empty(204)
    },
  }
}
