/** Operations that compare. */
import type { Catalog } from '../catalog/catalog.ts'
import { type Difference, diffBranch } from '../catalog/diff.ts'
import type { ApiRequest } from './request.ts'
import { json, page, type Reply } from './responses.ts'

function show(difference: Difference) {
  if ('commonPrefix' in difference) {
    return { type: 'prefix_changed', path: difference.commonPrefix.toString(), path_type: 'common_prefix' }
  }
  const { type, path, entry } = difference
  return { type, path: path.toString(), path_type: 'object', size_bytes: entry?.sizeBytes ?? 0 }
}

export function diffHandlers(catalog: Catalog) {
  return {
    async diffBranch(request: ApiRequest): Promise<Reply> {
      const { query } = request
      const found = await diffBranch(catalog, request, request.param('repository'), request.param('branch'), {
        prefix: query.bytes('prefix') ?? Buffer.alloc(0),
        after: query.bytes('after') ?? Buffer.alloc(0),
        delimiter: query.bytes('delimiter') ?? Buffer.alloc(0),
        amount: query.amount(),
      })
      return json(200, page(found.items.map(show), found.hasMore, found.nextOffset))
    },
  }
}
