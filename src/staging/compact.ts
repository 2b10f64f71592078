/**
 * Compaction: head and sealed changes become a tree that stands in for the head's, without a commit. One server at a time works on a
 * branch, by a lease: the row that announces its tree, under an id made of the branch. `claimedAt` is the fence: whoever lost the
 * lease neither publishes nor takes the row of its successor away.
 */
import { createHash } from 'node:crypto'
import { uuidArray } from '../db/arrays.ts'
import type { Db, HotStatement } from '../db/db.ts'
import type { BranchName, MetaRangeId, RepositoryUid } from '../model.ts'
import type { SealedBranch } from './seal.ts'

/** The right to compact a branch. */
export interface CompactionLease {
  readonly id: string
  /** Microseconds since 1970 by the database's clock, as text. */
  readonly claimedAt: string
}

const micros = 'floor(extract(epoch FROM started_at) * 1000000)::int8'

const claim: HotStatement = {
  name: 'compact_claim',
  text: `INSERT INTO trees (id, repo_uid, purpose) VALUES ($1::uuid, $2::uuid, 'compaction')
    ON CONFLICT (id) DO UPDATE SET started_at = clock_timestamp()
      WHERE trees.started_at < clock_timestamp() - $3::int4 * interval '1 millisecond'
    RETURNING ${micros.replace('started_at', 'trees.started_at')} AS claimed_at`,
}

const renew: HotStatement = {
  name: 'compact_renew',
  text: `UPDATE trees SET started_at = clock_timestamp() WHERE id = $1::uuid AND ${micros} = $2::int8 RETURNING ${micros} AS claimed_at`,
}

const release: HotStatement = {
  name: 'compact_release',
  text: `DELETE FROM trees WHERE id = $1::uuid AND ${micros} = $2::int8`,
}

/** The guards of a commit's publication. No ref moves, so no event is told. */
const swap: HotStatement = {
  name: 'compact_swap',
  text: `WITH m AS (
      UPDATE refs SET sealed = sealed[1:cardinality(sealed) - $5::int4], base_metarange = $8, epoch = epoch + 1
      WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' AND commit_id = $3
        AND sealed[cardinality(sealed) - $5::int4 + 1:] = $4::text::uuid[]
        AND base_metarange IS NOT DISTINCT FROM $7::text AND reset_seq = $6::int8
        AND (SELECT true FROM trees WHERE id = $9::uuid AND ${micros} = $10::int8)
      RETURNING 1),
    r AS (INSERT INTO retired_tokens (token) SELECT unnest($4::text::uuid[]) FROM m)
    SELECT count(*)::int4 AS swapped FROM m`,
}

/** Null when another server is compacting the branch, or died doing so less than `leaseMs` ago. */
export async function claimCompaction(
  db: Db,
  repoUid: RepositoryUid,
  branch: BranchName,
  leaseMs: number,
): Promise<CompactionLease | null> {
  const id = leaseId(repoUid, branch)
  const [row] = await db.run<{ claimed_at: string }>(claim, [id, repoUid, leaseMs])
  return row === undefined ? null : { id, claimedAt: row.claimed_at }
}

/** The lease with its time begun anew; null when another server has taken it. */
export async function renewCompaction(db: Db, lease: CompactionLease): Promise<CompactionLease | null> {
  const [row] = await db.run<{ claimed_at: string }>(renew, [lease.id, lease.claimedAt])
  return row === undefined ? null : { id: lease.id, claimedAt: row.claimed_at }
}

/** Ends a lease that is still held. */
export async function releaseCompaction(db: Db, lease: CompactionLease): Promise<void> {
  await db.run(release, [lease.id, lease.claimedAt])
}

/**
 * Puts `tree` in the place of the sealed tokens and of the compacted tree that they lie on, and retires the tokens. Tokens sealed
 * meanwhile stay.
 *
 * @returns false when the branch is no longer as `sealed` says, or the lease is lost (then nothing happened)
 * @throws outcome_unknown, database_unavailable
 */
export async function publishCompacted(
  db: Db,
  sealed: SealedBranch,
  tree: MetaRangeId,
  lease: CompactionLease,
): Promise<boolean> {
  const [answer] = await db.run<{ swapped: number }>(swap, [
    sealed.repoUid,
    sealed.branch,
    sealed.commitId,
    uuidArray(sealed.tokens),
    sealed.tokens.length,
    sealed.resetSeq,
    sealed.baseMetaRangeId,
    tree,
    lease.id,
    lease.claimedAt,
  ])
  return answer?.swapped === 1
}

/** A UUID of version 8 (RFC 9562) from a hash: the same on every server. */
function leaseId(repoUid: RepositoryUid, branch: BranchName): string {
  const hex = createHash('sha256').update(`compaction\0${repoUid}\0${branch}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** What a branch has to be read through. */
export interface StagingLoad {
  readonly sealedTokens: number
  /** Whether the tokens hold at least the rows that were asked about. */
  readonly hasRows: boolean
  /** The token that has been sealed for longest, `""` when none is. */
  readonly oldestSealed: string
}

interface LoadRow {
  readonly sealed_tokens: number
  readonly has_rows: boolean
  readonly oldest: string
}

const selectLoad: HotStatement = {
  name: 'compact_load',
  readOnly: true,
  text: `SELECT cardinality(f.sealed)::int4 AS sealed_tokens, COALESCE(f.sealed[cardinality(f.sealed)]::text, '') AS oldest,
      COALESCE((SELECT true FROM unnest(f.token || f.sealed) t(token)
        CROSS JOIN LATERAL (SELECT 1 FROM staged WHERE token = t.token LIMIT $3::int4) s OFFSET $3::int4 - 1 LIMIT 1), false) AS has_rows
    FROM refs f WHERE f.repo_uid = $1::uuid AND f.name = $2 AND f.kind = 'b'`,
}

/** How much is staged on a branch, at the cost of looking at `rows` (>= 1) index entries at most; null when it is gone. */
export async function stagingLoad(
  db: Db,
  repoUid: RepositoryUid,
  branch: BranchName,
  rows: number,
): Promise<StagingLoad | null> {
  const [row] = await db.run<LoadRow>(selectLoad, [repoUid, branch, rows])
  if (row === undefined) return null
  return { sealedTokens: row.sealed_tokens, hasRows: row.has_rows, oldestSealed: row.oldest }
}

/** A place in the order of all branches. */
export interface BranchPlace {
  readonly repoUid: RepositoryUid
  readonly branch: BranchName
}

const selectSealed: HotStatement = {
  name: 'compact_survey',
  readOnly: true,
  text: `WITH p AS MATERIALIZED (SELECT repo_uid, name, cardinality(sealed) AS tokens FROM refs
      WHERE (repo_uid, name) > ($1::uuid, $2) ORDER BY repo_uid, name LIMIT $3::int4),
    last AS (SELECT repo_uid, name FROM p ORDER BY repo_uid DESC, name DESC LIMIT 1)
    SELECT p.repo_uid, p.name, p.tokens >= $4::int4 AS crowded,
      (p.repo_uid, p.name) = (SELECT repo_uid, name FROM last) AND (SELECT count(*) FROM p) = $3::int4 AS more FROM p
    WHERE p.tokens >= $4::int4 OR (p.repo_uid, p.name) = (SELECT repo_uid, name FROM last) ORDER BY p.repo_uid, p.name`,
}

/** Before the first branch. */
export const firstPlace: BranchPlace = {
  repoUid: '00000000-0000-0000-0000-000000000000' as RepositoryUid,
  branch: '' as BranchName,
}

/**
 * The branches with at least `tokens` sealed ones among the next `limit` refs behind `after`, and where to go on: `firstPlace` after
 * the last one.
 */
export async function surveySealed(
  db: Db,
  after: BranchPlace,
  limit: number,
  tokens: number,
): Promise<{ readonly crowded: readonly BranchPlace[]; readonly next: BranchPlace }> {
  const rows = await db.run<{ repo_uid: RepositoryUid; name: BranchName; crowded: boolean; more: boolean }>(
    selectSealed,
    [after.repoUid, after.branch, limit, tokens],
  )
  const places = rows.map((row) => ({ repoUid: row.repo_uid, branch: row.name, crowded: row.crowded, more: row.more }))
  return { crowded: places.filter(({ crowded }) => crowded), next: places.find(({ more }) => more) ?? firstPlace }
}
