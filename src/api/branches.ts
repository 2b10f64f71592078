/** Operations on branches. */
import * as v from 'valibot'
import { branchResource, permission } from '../auth/permissions.ts'
import { createBranch, deleteBranch, getBranch, listBranches } from '../catalog/branches.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { type ResetScope, resetBranch } from '../catalog/reset.ts'
import { DomainError } from '../errors.ts'
import { databaseText, readJson } from './body.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, page, type Reply, text } from './responses.ts'

const creation = v.object({
  name: databaseText,
  source: databaseText,
  force: v.nullish(v.boolean()),
  hidden: v.nullish(v.boolean()),
})

const reset = v.object({
  type: v.picklist(['object', 'common_prefix', 'reset']),
  path: v.nullish(v.string()),
  force: v.nullish(v.boolean()),
})

/** @throws invalid_argument for a missing path: an empty prefix is told, so that everything is never reset by omission */
function resetScope({ type, path }: v.InferOutput<typeof reset>): ResetScope {
  if (type === 'reset') return { type: 'all' }
  if (path == null) {
    throw new DomainError('invalid_argument', 'request body has an error: field "path" is required but missing')
  }
  return type === 'object' ? { type: 'object', path: Buffer.from(path) } : { type: 'prefix', prefix: Buffer.from(path) }
}

export function branchHandlers(catalog: Catalog) {
  return {
    async createBranch(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request, creation)
      request.authorize(() => permission('fs:CreateBranch', branchResource(request.param('repository'), body.name)))
      const commitId = await createBranch(catalog, request, {
        repository: request.param('repository'),
        name: body.name,
        source: body.source,
        hidden: body.hidden ?? false,
        force: body.force ?? false,
      })
      return text(201, commitId)
    },

    async getBranch(request: ApiRequest): Promise<Reply> {
      const branch = await getBranch(catalog, request, request.param('repository'), request.param('branch'))
      return json(200, { id: branch.name, commit_id: branch.commitId })
    },

    async listBranches(request: ApiRequest): Promise<Reply> {
      const { query } = request
      const found = await listBranches(catalog, request, request.param('repository'), {
        ...query.namePage(),
        showHidden: query.boolean('show_hidden', false),
      })
      const results = found.items.map((branch) => ({ id: branch.name, commit_id: branch.commitId }))
      return json(200, page(results, found.hasMore, results.at(-1)?.id ?? ''))
    },

    async deleteBranch(request: ApiRequest): Promise<Reply> {
      await deleteBranch(
        catalog,
        request,
        request.param('repository'),
        request.param('branch'),
        request.query.boolean('force', false),
      )
      return empty(204)
    },

    async resetBranch(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request, reset)
      await resetBranch(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        scope: resetScope(body),
        force: body.force ?? false,
      })
      return empty(204)
    },
  }
}
