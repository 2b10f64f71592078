/** Operations on repositories. */
import * as v from 'valibot'
import { committerOf } from '../auth/identity.ts'
import { allOf, namespaceResource, permission, repositoryResource } from '../auth/permissions.ts'
import type { Catalog } from '../catalog/catalog.ts'
import {
  changeRepositoryMetadata,
  createRepository,
  deleteRepository,
  getRepository,
  getRepositoryMetadata,
  listRepositories,
} from '../catalog/repositories.ts'
import type { RepositorySummary } from '../model.ts'
import { databaseText, readJson } from './body.ts'
import { metadataBody } from './metadata.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, page, type Reply } from './responses.ts'

const creation = v.object({
  name: databaseText,
  storage_namespace: v.pipe(
    databaseText,
    v.regex(/^(s3|gs|https?|mem|local|transient):\/\/.*$/, 'must be a URI such as s3://bucket/prefix or local://name'),
  ),
  storage_id: v.nullish(databaseText),
  default_branch: v.nullish(databaseText),
  sample_data: v.nullish(v.boolean()),
  read_only: v.nullish(v.boolean()),
})

const metadataSet = v.object({ metadata: metadataBody })
const metadataKeys = v.object({ keys: v.array(databaseText) })

function show(repository: RepositorySummary) {
  return {
    id: repository.name,
    creation_date: repository.createdAtSeconds,
    default_branch: repository.defaultBranch,
    storage_id: repository.storageId,
    storage_namespace: repository.namespace,
    read_only: repository.readOnly,
  }
}

export function repositoryHandlers(catalog: Catalog) {
  return {
    async createRepository(request: ApiRequest): Promise<Reply> {
      const bare = request.query.boolean('bare', false)
      const body = await readJson(request, creation)
      request.authorize(() =>
        allOf(
          permission('fs:CreateRepository', repositoryResource(body.name)),
          permission('fs:AttachStorageNamespace', namespaceResource(body.storage_namespace)),
        ),
      )
      const repository = await createRepository(catalog, {
        name: body.name,
        storageId: body.storage_id || null,
        namespace: body.storage_namespace,
        defaultBranch: body.default_branch || 'main',
        sampleData: body.sample_data ?? false,
        readOnly: body.read_only ?? false,
        bare,
        committer: committerOf(request.principal),
      })
      const { read_only, ...shown } = show(repository)
      return json(201, bare ? shown : { ...shown, read_only })
    },

    async getRepository(request: ApiRequest): Promise<Reply> {
      return json(200, show(await getRepository(catalog, request, request.param('repository'))))
    },

    async listRepositories(request: ApiRequest): Promise<Reply> {
      const { query } = request
      const filter = request.listFilter('fs:ListRepositories')
      const found = await listRepositories(catalog, {
        ...query.namePage(),
        search: query.text('search') ?? '',
        filter,
      })
      return json(200, page(found.items.map(show), found.hasMore, found.items.at(-1)?.name ?? ''))
    },

    async deleteRepository(request: ApiRequest): Promise<Reply> {
      await deleteRepository(catalog, request, request.param('repository'), request.query.boolean('force', false))
      return empty(204)
    },

    async getRepositoryMetadata(request: ApiRequest): Promise<Reply> {
      return json(200, await getRepositoryMetadata(catalog, request, request.param('repository')))
    },

    async setRepositoryMetadata(request: ApiRequest): Promise<Reply> {
      const { metadata } = await readJson(request, metadataSet)
      await changeRepositoryMetadata(catalog, request, request.param('repository'), { set: metadata })
      return empty(204)
    },

    async deleteRepositoryMetadata(request: ApiRequest): Promise<Reply> {
      const { keys } = await readJson(request, metadataKeys)
      await changeRepositoryMetadata(catalog, request, request.param('repository'), { remove: keys })
      return empty(204)
    },
  }
}
