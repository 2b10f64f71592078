/**
 * Taking uncommitted changes back. Both statements lock the branch's row first: writers before it are waited for, writers behind it
 * see what it left; `reset_seq` and `epoch` move, so that a commit or a conditional write that read what was taken back starts again.
 */
import { randomUUID } from 'node:crypto'
import type { Db, HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, CommitId, MetaRangeId, ObjectPath, RepositoryUid } from '../model.ts'

/** A branch without changes keeps its token, so that resets of nothing do not pile up retired ones. */
const resetEverything: HotStatement = {
  name: 'reset_all',
  text: `WITH b AS MATERIALIZED (SELECT token, sealed, base_metarange FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' FOR UPDATE),
    dirty AS MATERIALIZED (SELECT token || sealed AS tokens FROM b
      WHERE sealed <> '{}' OR base_metarange IS NOT NULL OR (SELECT true FROM staged WHERE token = b.token LIMIT 1)),
    m AS (UPDATE refs SET token = $3::uuid, sealed = '{}', base_metarange = NULL, epoch = epoch + 1, reset_seq = reset_seq + 1
      WHERE repo_uid = $1::uuid AND name = $2 AND EXISTS (SELECT 1 FROM dirty) RETURNING 1),
    r AS (INSERT INTO retired_tokens (token) SELECT unnest(tokens) FROM dirty)
    SELECT count(*)::int4 AS branches FROM b`,
}

/**
 * Rows go from sealed tokens too. A compacted tree is replaced by `$7` if it is still the one that `$7` was made from, over the same
 * head; where there is none, none comes.
 */
const resetRange: HotStatement = {
  name: 'reset_range',
  text: `WITH b AS MATERIALIZED (SELECT token || sealed AS tokens, base_metarange FROM refs
      WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' AND (base_metarange IS NULL OR base_metarange = $6 AND commit_id = $5) FOR UPDATE),
    d AS (DELETE FROM staged USING b CROSS JOIN LATERAL unnest(b.tokens) t(token)
      WHERE staged.token = t.token AND staged.path >= $3::bytea AND staged.path < $4::bytea RETURNING 1),
    m AS (UPDATE refs SET base_metarange = CASE WHEN base_metarange IS NULL THEN NULL ELSE $7::text END, epoch = epoch + 1, reset_seq = reset_seq + 1
      WHERE repo_uid = $1::uuid AND name = $2
        AND (EXISTS (SELECT 1 FROM d) OR EXISTS (SELECT 1 FROM b WHERE b.base_metarange <> COALESCE($7::text, ''))))
    SELECT count(*)::int4 AS branches FROM b`,
}

/** Above every path: paths have at most 1024 bytes. */
const aboveAllPaths = Buffer.alloc(1025, 0xff)

/** Drops everything that is not committed: a new token, no sealed ones, no compacted tree. @throws branch_not_found, outcome_unknown */
export async function resetBranch(db: Db, repoUid: RepositoryUid, branch: BranchName): Promise<void> {
  const [answer] = await db.run<{ branches: number }>(resetEverything, [repoUid, branch, randomUUID()])
  if (answer?.branches !== 1) throw new DomainError('branch_not_found', 'branch not found')
}

export interface RangeReset {
  readonly repoUid: RepositoryUid
  readonly branch: BranchName
  /** Inclusive. */
  readonly start: ObjectPath
  /** Exclusive; null: to the last path. */
  readonly end: ObjectPath | null
  /** The head that the trees below belong to. */
  readonly commitId: CommitId
  /** The tree under the staged rows as it was read: the compacted one if there is one, else the head's. */
  readonly metaRangeId: MetaRangeId
  /** The compacted tree with the head's records in the range; null when that is the head's tree, or there is no compacted one. */
  readonly baseMetaRangeId: MetaRangeId | null
}

/** Drops what is staged in a range of paths. False when the branch is not there or no longer as it was read. @throws outcome_unknown */
export async function resetPaths(db: Db, reset: RangeReset): Promise<boolean> {
  const [answer] = await db.run<{ branches: number }>(resetRange, [
    reset.repoUid,
    reset.branch,
    reset.start,
    reset.end ?? aboveAllPaths,
    reset.commitId,
    reset.metaRangeId,
    reset.baseMetaRangeId,
  ])
  return answer?.branches === 1
}
