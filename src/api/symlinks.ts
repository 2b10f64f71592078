/** The operation that old Hive installations read branches by. */
import type { Catalog } from '../catalog/catalog.ts'
import { createSymlinkFiles } from '../catalog/symlinks.ts'
import type { ApiRequest } from './request.ts'
import { json, type Reply } from './responses.ts'

export function symlinkHandlers(catalog: Catalog) {
  return {
    async createSymlinkFile(request: ApiRequest): Promise<Reply> {
      const location = await createSymlinkFiles(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        prefix: request.query.bytes('location') ?? Buffer.alloc(0),
      })
      return json(201, { location })
    },
  }
}
