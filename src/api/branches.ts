/** Operations on branches. */
import * as v from 'valibot'
import { branchResource, permission } from '../auth/permissions.ts'
import { createBranch, deleteBranch, getBranch, listBranches } from '../catalog/branches.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { databaseText, readJson } from './body.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, page, type Reply, text } from './responses.ts'

const creation = v.object({
  name: databaseText,
  source: databaseText,
  force: v.nullish(v.boolean()),
  hidden: v.nullish(v.boolean()),
})

export function branchHandlers(catalog: Catalog) {
  return {
    async createBranch(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request.raw, creation)
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
        prefix: query.text('prefix') ?? '',
        after: query.text('after') ?? '',
        amount: query.amount(),
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
  }
}
