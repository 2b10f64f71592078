/** Deleting many objects in one request. */
import * as v from 'valibot'
import { objectResource, permission } from '../auth/permissions.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { deleteObjects } from '../catalog/delete-objects.ts'
import { DomainError, isDomainError } from '../errors.ts'
import { readJson } from './body.ts'
import { partialFailure } from './errors.ts'
import type { ApiRequest } from './request.ts'
import { json, type Reply } from './responses.ts'

/** lakeFS's limit. */
const MAX_PATHS = 1000
const pathList = v.object({ paths: v.array(v.string()) })

export function deleteObjectsHandlers(catalog: Catalog) {
  return {
    async deleteObjects(request: ApiRequest): Promise<Reply> {
      const { paths } = await readJson(request, pathList)
      if (paths.length > MAX_PATHS)
        throw new DomainError('invalid_argument', `request size exceeded, max paths is set to ${MAX_PATHS}`)
      const { allowed, errors } = sortByPermission(request, paths)
      // Who may delete none of them learns nothing of the repository.
      if (allowed.length === 0 && errors.length > 0) return json(200, { errors })
      const undeleted = await deleteObjects(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        paths: allowed.map((path) => Buffer.from(path)),
        force: request.query.boolean('force', false),
      })
      const refused = undeleted.map(({ path, error }) => ({ path: path.toString(), ...partialFailure(error) }))
      return json(200, { errors: [...errors, ...refused] })
    },
  }
}

/** @throws unauthorized for who may delete nothing anywhere */
function sortByPermission(request: ApiRequest, paths: readonly string[]) {
  const repository = request.param('repository')
  request.listFilter('fs:DeleteObject')
  const allowed: string[] = []
  const errors: { path: string; status_code: number; message: string }[] = []
  for (const path of paths) {
    try {
      request.authorize(() => permission('fs:DeleteObject', objectResource(repository, path)))
      allowed.push(path)
    } catch (error) {
      if (!isDomainError(error, 'unauthorized')) throw error
      errors.push({ path, ...partialFailure(error) })
    }
  }
  return { allowed, errors }
}
