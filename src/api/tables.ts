/** Operations on the files of committed trees. */
import type { Catalog } from '../catalog/catalog.ts'
import { findTable, openTable, presignTable, type TableRequest } from '../catalog/tables.ts'
import { refuseParameter } from './query.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, type Reply, type ReplyBody } from './responses.ts'

export function tableHandlers(catalog: Catalog) {
  async function locate(request: ApiRequest, kind: TableRequest['kind'], id: string): Promise<Reply> {
    const location = await findTable(catalog, request, { repository: request.param('repository'), kind, id })
    return json(200, { location }, { Location: location })
  }

  return {
    getMetaRange: (request: ApiRequest): Promise<Reply> => locate(request, 'meta_range', request.param('meta_range')),

    getRange: (request: ApiRequest): Promise<Reply> => locate(request, 'range', request.param('range')),

    async getMetadataObject(request: ApiRequest): Promise<Reply> {
      const wanted = {
        repository: request.param('repository'),
        kind: tableKind(request.param('type')),
        id: request.param('object_id'),
      }
      if (request.query.boolean('presign', false)) {
        const { url } = await presignTable(catalog, request, wanted)
        return empty(302, { Location: url })
      }
      const { body, sizeBytes } = await openTable(catalog, request, wanted)
      const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(sizeBytes) }
      return { status: 200, headers, body: body as ReplyBody }
    },
  }
}

function tableKind(type: string): TableRequest['kind'] {
  if (type === 'range' || type === 'meta_range') return type
  return refuseParameter('type', 'path', 'value is not one of the allowed values ["range","meta_range"]')
}
