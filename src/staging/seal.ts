/** Before a commit: the current token becomes a sealed, immutable one, and what must be committed is read. */
import { randomUUID } from 'node:crypto'
import type { Db, HotStatement, Queries } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, CommitId, MetaRangeId, RepositoryUid, StagingToken } from '../model.ts'

/** A branch as a commit starts from it; `publish` succeeds only while all of this still holds. */
export interface SealedBranch {
  readonly repoUid: RepositoryUid
  readonly branch: BranchName
  readonly commitId: CommitId
  /** The compacted tree that stands in for the head's, or null. */
  readonly baseMetaRangeId: MetaRangeId | null
  /** Sealed tokens, newest first: the changes to commit. */
  readonly tokens: readonly StagingToken[]
  readonly resetSeq: string
}

/** A branch just after its sealing. */
export interface JustSealed extends SealedBranch {
  /** Of the tokens those that others sealed before: their commits are at work, or have failed. */
  readonly older: readonly StagingToken[]
}

interface BranchRow {
  readonly sealed: string
  readonly commit_id: CommitId
  readonly base_metarange: MetaRangeId | null
  readonly reset_seq: string
}

const columns = `array_to_string(sealed, ',') AS sealed, commit_id, base_metarange, reset_seq`

/** Alone in its transaction and touching one row: it waits for the writers before it and holds up those behind it for a moment only. */
const rotate: HotStatement = {
  name: 'seal_rotate',
  text: `UPDATE refs SET sealed = array_prepend(token, sealed), token = $3::uuid, epoch = epoch + 1
    WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' AND (SELECT true FROM staged WHERE staged.token = refs.token LIMIT 1)
    RETURNING ${columns}`,
}

const readBranch: HotStatement = {
  name: 'seal_read',
  readOnly: true,
  text: `SELECT ${columns} FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b'`,
}

const lockBranch: HotStatement = { name: 'seal_lock', text: `${readBranch.text} FOR UPDATE` }

/**
 * Seals what is staged: every write acknowledged before the call is in the answer's tokens (or in the head already). A token without
 * rows is not rotated, so commits of nothing do not pile up tokens.
 *
 * @throws branch_not_found
 */
export async function sealBranch(db: Db, repoUid: RepositoryUid, branch: BranchName): Promise<JustSealed> {
  // No rows: empty token, no branch, or another commit sealed it while we waited. A read of its own then, with its own snapshot.
  const [row] = await db.run<BranchRow>(rotate, [repoUid, branch, randomUUID()])
  const sealed = row === undefined ? await readSealed(db, repoUid, branch) : toSealedBranch(repoUid, branch, row)
  return { ...sealed, older: row === undefined ? sealed.tokens : sealed.tokens.slice(1) }
}

/** As `sealBranch` without sealing: what lies in sealed tokens already. @throws branch_not_found */
export async function readSealed(db: Db, repoUid: RepositoryUid, branch: BranchName): Promise<SealedBranch> {
  const [row] = await db.run<BranchRow>(readBranch, [repoUid, branch])
  if (row === undefined) throw new DomainError('branch_not_found', 'branch not found')
  return toSealedBranch(repoUid, branch, row)
}

/** As `readSealed`; until the transaction ends the branch stays so. Its writers wait: no I/O in between. @throws branch_not_found */
export async function lockSealed(tx: Queries, repoUid: RepositoryUid, branch: BranchName): Promise<SealedBranch> {
  const [row] = await tx.run<BranchRow>(lockBranch, [repoUid, branch])
  if (row === undefined) throw new DomainError('branch_not_found', 'branch not found')
  return toSealedBranch(repoUid, branch, row)
}

function toSealedBranch(repoUid: RepositoryUid, branch: BranchName, row: BranchRow): SealedBranch {
  return {
    repoUid,
    branch,
    commitId: row.commit_id,
    baseMetaRangeId: row.base_metarange,
    tokens: (row.sealed === '' ? [] : row.sealed.split(',')) as StagingToken[],
    resetSeq: row.reset_seq,
  }
}
