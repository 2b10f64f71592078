/** Commit records: what never changes once written, so a cache in front may keep it for ever. */
import { uuidArray } from '../db/arrays.ts'
import { commitColumns, commitParams, commitValuesSql } from '../db/commit-record.ts'
import type { HotStatement, Queries } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { Commit, CommitId, MetaRangeId, RepositoryUid } from '../model.ts'

/** Commits by repository and id, the least recently used ones dropped beyond the bound. */
export interface CommitCache {
  get(repoUid: RepositoryUid, id: CommitId): Commit | undefined
  add(repoUid: RepositoryUid, commit: Commit): void
}

interface CommitRow {
  readonly id: CommitId
  readonly committer: string
  readonly message: string
  readonly creation_seconds: string
  readonly creation_nanos: number
  readonly metarange_id: MetaRangeId
  readonly metadata: Record<string, string>
  readonly parents: string
  readonly version: number
  readonly generation: string
}

const columns = `id, committer, message, creation_seconds, creation_nanos, metarange_id, metadata,
  array_to_string(parents, ',') AS parents, version, generation`

const insert: HotStatement = {
  name: 'commit_insert',
  text: `INSERT INTO commits (repo_uid, ${commitColumns}) VALUES ($1::uuid, ${commitValuesSql(2)}) ON CONFLICT DO NOTHING`,
}

const selectMany: HotStatement = {
  name: 'commit_many',
  readOnly: true,
  text: `SELECT ${columns} FROM commits WHERE repo_uid = $1::uuid AND id = ANY($2::text::text[])`,
}

/** UNION drops what was reached in the same number of steps by another way, so merges do not multiply the walk. */
const selectAncestors = (parents: string): string => `WITH RECURSIVE walk(id, depth) AS (
    SELECT unnest($2::text::text[]), 1
    UNION SELECT p.id, walk.depth + 1 FROM walk
      CROSS JOIN LATERAL (SELECT parents FROM commits WHERE repo_uid = $1::uuid AND id = walk.id LIMIT 1) c
      CROSS JOIN LATERAL unnest(${parents}) p(id) WHERE walk.depth < $3::int4)
  SELECT c.* FROM (SELECT DISTINCT id FROM walk) w
    CROSS JOIN LATERAL (SELECT ${columns} FROM commits WHERE repo_uid = $1::uuid AND id = w.id LIMIT 1) c`

const selectAllAncestors: HotStatement = {
  name: 'commit_ancestors',
  readOnly: true,
  text: selectAncestors('c.parents'),
}
const selectFirstAncestors: HotStatement = {
  name: 'commit_first_ancestors',
  readOnly: true,
  text: selectAncestors('c.parents[1:1]'),
}

const selectMerge: HotStatement = {
  name: 'commit_merge_above',
  readOnly: true,
  text: `SELECT true AS found FROM commits WHERE repo_uid = $1::uuid AND generation > $2::int8 AND cardinality(parents) > 1 LIMIT 1`,
}

/** Rough memory of one cached commit beside its texts. */
const commitOverheadBytes = 600

/** A cache of at most about `maxBytes` bytes (16 MiB when absent). */
export function createCommitCache(maxBytes = 16 << 20): CommitCache {
  const commits = new Map<string, Commit>()
  let bytes = 0
  return {
    get(repoUid, id) {
      const key = repoUid + id
      const commit = commits.get(key)
      if (commit === undefined) return undefined
      // Map order is age: back to the young end.
      commits.delete(key)
      commits.set(key, commit)
      return commit
    },
    add(repoUid, commit) {
      const key = repoUid + commit.id
      if (commits.has(key)) return
      commits.set(key, commit)
      bytes += sizeOf(commit)
      for (const [oldKey, old] of commits) {
        if (bytes <= maxBytes) break
        commits.delete(oldKey)
        bytes -= sizeOf(old)
      }
    },
  }
}

function sizeOf(commit: Commit): number {
  let chars = commit.message.length + commit.committer.length
  for (const key in commit.metadata) chars += key.length + (commit.metadata[key]?.length ?? 0)
  return commitOverheadBytes + commit.parents.length * 80 + chars * 2
}

/** Writes a commit record that nothing points at yet; one that is there already stays. */
export async function insertCommit(db: Queries, repoUid: RepositoryUid, commit: Commit): Promise<void> {
  await db.run(insert, [repoUid, ...commitParams(commit)])
}

/** The commit with exactly this id. @throws commit_not_found */
export async function getCommit(
  db: Queries,
  cache: CommitCache,
  repoUid: RepositoryUid,
  id: CommitId,
): Promise<Commit> {
  const cached = cache.get(repoUid, id)
  if (cached !== undefined) return cached
  const commit = (await fetchInto(db, cache, repoUid, selectMany, [uuidArray([id])])).get(id)
  if (commit === undefined) throw new DomainError('commit_not_found', 'commit not found')
  return commit
}

/**
 * The commits `ids`; those not cached come in one statement, with their ancestors up to `depth` steps (1: only themselves; first
 * parents only when `firstParent`), which land in the cache. Ids that do not exist are missing from the answer.
 */
export async function getCommits(
  db: Queries,
  cache: CommitCache,
  repoUid: RepositoryUid,
  ids: readonly CommitId[],
  options: { readonly depth?: number; readonly firstParent?: boolean } = {},
): Promise<Map<CommitId, Commit>> {
  const found = new Map<CommitId, Commit>()
  const missing: CommitId[] = []
  for (const id of ids) {
    const cached = cache.get(repoUid, id)
    if (cached === undefined) missing.push(id)
    else found.set(id, cached)
  }
  if (missing.length === 0) return found
  const { depth = 1, firstParent = false } = options
  const fetched = await (depth === 1
    ? fetchInto(db, cache, repoUid, selectMany, [uuidArray(missing)])
    : fetchInto(db, cache, repoUid, firstParent ? selectFirstAncestors : selectAllAncestors, [
        uuidArray(missing),
        depth,
      ]))
  for (const id of missing) {
    const commit = fetched.get(id)
    if (commit !== undefined) found.set(id, commit)
  }
  return found
}

/** Whether the repository has a commit of several parents in a generation above `generation`. */
export async function hasMergeAbove(db: Queries, repoUid: RepositoryUid, generation: number): Promise<boolean> {
  return (await db.run(selectMerge, [repoUid, generation])).length > 0
}

async function fetchInto(
  db: Queries,
  cache: CommitCache,
  repoUid: RepositoryUid,
  statement: HotStatement,
  params: readonly (string | number)[],
): Promise<Map<CommitId, Commit>> {
  const commits = new Map<CommitId, Commit>()
  for (const row of await db.run<CommitRow>(statement, [repoUid, ...params])) {
    const commit = toCommit(row)
    commits.set(commit.id, commit)
    cache.add(repoUid, commit)
  }
  return commits
}

function toCommit(row: CommitRow): Commit {
  return {
    id: row.id,
    committer: row.committer,
    message: row.message,
    creationDate: { seconds: Number(row.creation_seconds), nanos: row.creation_nanos },
    metaRangeId: row.metarange_id,
    metadata: row.metadata,
    parents: (row.parents === '' ? [] : row.parents.split(',')) as CommitId[],
    version: row.version,
    generation: Number(row.generation),
  }
}
