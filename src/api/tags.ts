/** Operations on tags. */
import * as v from 'valibot'
import { permission, tagResource } from '../auth/permissions.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { createTag, deleteTag, getTag, listTags } from '../catalog/tags.ts'
import type { Tag } from '../refs/tags.ts'
import { databaseText, readJson } from './body.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, page, type Reply } from './responses.ts'

const creation = v.object({ id: databaseText, ref: databaseText, force: v.nullish(v.boolean()) })

function show(tag: Tag) {
  return { id: tag.name, commit_id: tag.commitId }
}

export function tagHandlers(catalog: Catalog) {
  return {
    async createTag(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request, creation)
      const repository = request.param('repository')
      request.authorize(() => permission('fs:CreateTag', tagResource(repository, body.id)))
      const { id: name, ref } = body
      return json(201, show(await createTag(catalog, request, { repository, name, ref, force: body.force ?? false })))
    },

    async getTag(request: ApiRequest): Promise<Reply> {
      return json(200, show(await getTag(catalog, request, request.param('repository'), request.param('tag'))))
    },

    async listTags(request: ApiRequest): Promise<Reply> {
      const found = await listTags(catalog, request, request.param('repository'), request.query.namePage())
      return json(200, page(found.items.map(show), found.hasMore, found.items.at(-1)?.name ?? ''))
    },

    async deleteTag(request: ApiRequest): Promise<Reply> {
      const force = request.query.boolean('force', false)
      await deleteTag(catalog, request, request.param('repository'), request.param('tag'), force)
      return empty(204)
    },
  }
}
