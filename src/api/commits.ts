/** Operations on commits. */
import * as v from 'valibot'
import { committerOf } from '../auth/identity.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { commit, getCommit } from '../catalog/commits.ts'
import { logCommits } from '../catalog/log.ts'
import type { PathFilter } from '../committed/touched.ts'
import type { Commit, MetaRangeId } from '../model.ts'
import { parseObjectPath } from '../refs/names.ts'
import { databaseText, readJson } from './body.ts'
import { metadataBody } from './metadata.ts'
import { refuseParameter } from './query.ts'
import type { ApiRequest } from './request.ts'
import { json, page, type Reply } from './responses.ts'
import { parseDateTime, timestampSeconds } from './times.ts'

const creation = v.object({
  message: databaseText,
  metadata: v.nullish(metadataBody),
  date: v.nullish(timestampSeconds),
  allow_empty: v.nullish(v.boolean()),
  force: v.nullish(v.boolean()),
})

function show(commit: Commit) {
  return {
    id: commit.id,
    parents: commit.parents,
    committer: commit.committer,
    message: commit.message,
    creation_date: commit.creationDate.seconds,
    meta_range_id: commit.metaRangeId,
    metadata: commit.metadata,
    generation: commit.generation,
    version: commit.version,
  }
}

/** RFC 3339 date-time as Unix seconds; null when absent or empty. */
function sinceSeconds(request: ApiRequest): number | null {
  const value = request.query.text('since')
  if (value === null || value === '') return null
  return parseDateTime(value) ?? refuseParameter('since', 'query', 'must be an RFC 3339 date-time')
}

/** The paths of a log; null when it is not by paths. */
function pathFilter({ query }: ApiRequest): PathFilter | null {
  const objects = query.bytesList('objects').map((path) => parseObjectPath(path, 'objects'))
  const prefixes = query.bytesList('prefixes')
  return objects.length + prefixes.length === 0 ? null : { objects, prefixes }
}

export function commitHandlers(catalog: Catalog) {
  return {
    async commit(request: ApiRequest): Promise<Reply> {
      const body = await readJson(request, creation)
      const made = await commit(catalog, request, {
        repository: request.param('repository'),
        branch: request.param('branch'),
        message: body.message,
        metadata: body.metadata ?? {},
        committer: committerOf(request.principal),
        dateSeconds: body.date ?? null,
        allowEmpty: body.allow_empty ?? false,
        sourceTree: request.query.text('source_metarange') as MetaRangeId | null,
        force: body.force ?? false,
      })
      return json(201, show(made))
    },

    async getCommit(request: ApiRequest): Promise<Reply> {
      return json(200, show(await getCommit(catalog, request, request.param('repository'), request.param('commitId'))))
    },

    async logCommits(request: ApiRequest): Promise<Reply> {
      const { query } = request
      const found = await logCommits(catalog, request, request.param('repository'), request.param('ref'), {
        amount: query.amount(),
        after: query.text('after') ?? '',
        firstParent: query.boolean('first_parent', false),
        sinceSeconds: sinceSeconds(request),
        stopAt: query.text('stop_at') ?? '',
        limited: query.boolean('limit', false),
        paths: pathFilter(request),
      })
      return json(200, page(found.items.map(show), found.hasMore, found.nextOffset))
    },
  }
}
