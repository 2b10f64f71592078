/** The one way a ref comes into being: branches, tags and full commit ids exclude each other's names. */
import type { HotStatement, Queries } from '../db/db.ts'
import { sqlState } from '../db/failures.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, CommitId, RepositoryUid, TagName } from '../model.ts'

const insert: HotStatement = {
  name: 'ref_insert',
  text: `WITH n AS (INSERT INTO refs (repo_uid, name, kind, commit_id, token, hidden)
      SELECT $1::uuid, $2, $3, $4, $5::uuid, $6::bool WHERE NOT EXISTS (SELECT 1 FROM commits WHERE repo_uid = $1::uuid AND id = $2)
      ON CONFLICT DO NOTHING RETURNING 1),
    e AS (INSERT INTO events (repo_uid, name, kind, new_id) SELECT $1::uuid, $2, $3, $4 FROM n)
    SELECT count(*)::int4 AS created FROM n`,
}

const selectOwner: HotStatement = {
  name: 'ref_kind',
  readOnly: true,
  text: `SELECT kind FROM refs WHERE repo_uid = $1::uuid AND name = $2
    UNION ALL SELECT 'c' FROM commits WHERE repo_uid = $1::uuid AND id = $2 LIMIT 1`,
}

/** Writes the ref and its event; false when the name is taken. @throws repository_not_found */
export async function insertRef(
  db: Queries,
  repoUid: RepositoryUid,
  ref: {
    readonly name: BranchName | TagName
    readonly kind: 'b' | 't'
    readonly commitId: CommitId
    readonly token: string | null
    readonly hidden: boolean
  },
): Promise<boolean> {
  try {
    const params = [repoUid, ref.name, ref.kind, ref.commitId, ref.token, ref.hidden]
    const [answer] = await db.run<{ created: number }>(insert, params)
    return answer?.created === 1
  } catch (error) {
    // The repository went away after it was looked up.
    if (sqlState(error) === '23503')
      throw new DomainError('repository_not_found', 'repository not found', { cause: error })
    throw error
  }
}

/** What has this name. */
export async function selectKind(
  db: Queries,
  repoUid: RepositoryUid,
  name: string,
): Promise<'branch' | 'tag' | 'commit' | null> {
  const [row] = await db.run<{ kind: 'b' | 't' | 'c' }>(selectOwner, [repoUid, name])
  if (row === undefined) return null
  return row.kind === 'b' ? 'branch' : row.kind === 't' ? 'tag' : 'commit'
}
