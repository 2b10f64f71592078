/** The end of a commit: the branch's head moves, or what was sealed turns out to change nothing, or nothing happens. */
import { uuidArray } from '../db/arrays.ts'
import { commitColumns, commitParams, commitValuesSql } from '../db/commit-record.ts'
import type { Db, HotStatement, Queries } from '../db/db.ts'
import type { Commit } from '../model.ts'
import type { SealedBranch } from './seal.ts'

/**
 * Head, compacted base and the tokens that were read are still there, with no reset in between. Tokens sealed meanwhile stand in
 * front and stay.
 */
const publishStatement: HotStatement = {
  name: 'publish_commit',
  text: `WITH m AS (
      UPDATE refs SET commit_id = $9, sealed = sealed[1:cardinality(sealed) - $5::int4], base_metarange = NULL, epoch = epoch + 1
      WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' AND commit_id = $3
        AND sealed[cardinality(sealed) - $5::int4 + 1:] = $4::text::uuid[]
        AND base_metarange IS NOT DISTINCT FROM $7::text AND reset_seq = $6::int8
      RETURNING 1),
    c AS (INSERT INTO commits (repo_uid, ${commitColumns}) SELECT $1::uuid, ${commitValuesSql(9)} FROM m ON CONFLICT DO NOTHING),
    r AS (INSERT INTO retired_tokens (token) SELECT unnest($4::text::uuid[]) FROM m),
    e AS (INSERT INTO events (repo_uid, name, kind, old_id, new_id) SELECT $1::uuid, $2, 'b', $3, $9 FROM m),
    t AS (DELETE FROM trees WHERE id = $8::uuid AND EXISTS (SELECT 1 FROM m))
    SELECT count(*)::int4 AS moved FROM m`,
}

/**
 * Makes `commit` the head of the branch and takes the sealed tokens off it, in one statement: with the commit record, the event, the
 * tokens' retirement and the end of the tree under construction (`treeId`, see `trees.ts`).
 *
 * @returns false when the branch is no longer as `sealed` says (then nothing happened)
 * @throws outcome_unknown, database_unavailable
 */
export async function publishCommit(
  db: Queries,
  sealed: SealedBranch,
  commit: Commit,
  treeId: string | null = null,
): Promise<boolean> {
  const [answer] = await db.run<{ moved: number }>(publishStatement, [
    sealed.repoUid,
    sealed.branch,
    sealed.commitId,
    uuidArray(sealed.tokens),
    sealed.tokens.length,
    sealed.resetSeq,
    sealed.baseMetaRangeId,
    treeId,
    ...commitParams(commit),
  ])
  return answer?.moved === 1
}

/** `publishStatement` without a commit: under the same guards, with the same order of newer tokens. */
const dropStatement: HotStatement = {
  name: 'publish_drop',
  text: `WITH m AS (
      UPDATE refs SET sealed = sealed[1:cardinality(sealed) - $5::int4], base_metarange = NULL, epoch = epoch + 1
      WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' AND commit_id = $3
        AND sealed[cardinality(sealed) - $5::int4 + 1:] = $4::text::uuid[]
        AND base_metarange IS NOT DISTINCT FROM $7::text AND reset_seq = $6::int8
      RETURNING 1),
    r AS (INSERT INTO retired_tokens (token) SELECT unnest($4::text::uuid[]) FROM m)
    SELECT count(*)::int4 AS dropped FROM m`,
}

/**
 * Takes the sealed tokens and the compacted base off the branch without moving its head, and retires the tokens. Only for when the
 * tree built of them equals the head's, so that the branch shows the same without them; else they are lost. Tokens sealed meanwhile
 * stay. With nothing to take off it asks nothing of the database.
 *
 * @returns false when the branch is no longer as `sealed` says (then nothing happened)
 * @throws outcome_unknown, database_unavailable
 */
export async function dropSealed(db: Db, sealed: SealedBranch): Promise<boolean> {
  if (sealed.tokens.length === 0 && sealed.baseMetaRangeId === null) return true
  const [answer] = await db.run<{ dropped: number }>(dropStatement, [
    sealed.repoUid,
    sealed.branch,
    sealed.commitId,
    uuidArray(sealed.tokens),
    sealed.tokens.length,
    sealed.resetSeq,
    sealed.baseMetaRangeId,
  ])
  return answer?.dropped === 1
}
