/**
 * Writes that depend on what is there (If-None-Match, If-Match): a read, a decision, and a compare-and-swap. A condition inside the
 * writing statement would see the snapshot from before its wait, and let two writers win.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db, HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, CommitId, MetaRangeId, ObjectPath, RepositoryUid } from '../model.ts'

/** What a branch says about one path before the write. */
export interface StagedState {
  /** The winning staged row's record, null for a tombstone, undefined when nothing is staged: then the committed tree decides. */
  readonly staged: Buffer | null | undefined
  readonly commitId: CommitId
  /** The tree below the staged rows: the compacted one if there is one, else the head commit's. */
  readonly metaRangeId: MetaRangeId
}

interface StateRow {
  readonly epoch: string
  readonly commit_id: CommitId
  readonly metarange_id: MetaRangeId
  /** 1: the row lies under the branch's current token; greater: under a sealed one; null: no row. */
  readonly place: number | null
  readonly rec: Buffer | null
}

const readState: HotStatement = {
  name: 'stage_state',
  readOnly: true,
  text: `SELECT f.epoch, f.commit_id, COALESCE(f.base_metarange, c.metarange_id) AS metarange_id, s.place, s.rec
    FROM refs f CROSS JOIN LATERAL (SELECT metarange_id FROM commits WHERE repo_uid = f.repo_uid AND id = f.commit_id LIMIT 1) c
    LEFT JOIN LATERAL (SELECT t.place::int4, s.rec FROM unnest(f.token || f.sealed) WITH ORDINALITY t(token, place)
      CROSS JOIN LATERAL (SELECT rec FROM staged WHERE token = t.token AND path = $3::bytea LIMIT 1) s ORDER BY t.place LIMIT 1) s ON true
    WHERE f.repo_uid = $1::uuid AND f.name = $2 AND f.kind = 'b'`,
}

/** The branch as the reader saw it: the epoch moves with the token, the sealed tokens, the head and the base. */
const lockedBranch = `WITH b AS MATERIALIZED (
  SELECT token FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' AND epoch = $5::int8 FOR SHARE)`

const insertIfUnchanged: HotStatement = {
  name: 'stage_insert_if',
  text: `${lockedBranch} INSERT INTO staged (token, path, rec) SELECT token, $3::bytea, $4::bytea FROM b
    ON CONFLICT (token, path) DO NOTHING RETURNING 1 AS won`,
}

const updateIfUnchanged: HotStatement = {
  name: 'stage_update_if',
  text: `${lockedBranch} INSERT INTO staged (token, path, rec) SELECT token, $3::bytea, $4::bytea FROM b
    ON CONFLICT (token, path) DO UPDATE SET rec = excluded.rec WHERE staged.rec IS NOT DISTINCT FROM $6::bytea RETURNING 1 AS won`,
}

/** The record to stage, `value` null for a tombstone; null: nothing is staged. */
type Change = { readonly value: Buffer | null } | null

/** Reads before a caller is told that others are always faster. */
const maxReads = 64

/**
 * Stages at one path what `change` makes of the state there, atomically: should the state move in between, `change` is asked again
 * about the new one. It refuses by returning null or by throwing; it may run several times.
 *
 * @returns whether it was staged
 * @throws branch_not_found, contended, outcome_unknown, database_unavailable, whatever `change` throws
 */
export async function stageChange(
  db: Db,
  repoUid: RepositoryUid,
  branch: BranchName,
  path: ObjectPath,
  change: (state: StagedState) => Change | Promise<Change>,
): Promise<boolean> {
  for (let reads = 0; reads < maxReads; reads++) {
    if (reads > 2) await sleep(Math.random() * Math.min(reads, 16))
    const [state] = await db.run<StateRow>(readState, [repoUid, branch, path])
    if (state === undefined) throw new DomainError('branch_not_found', 'branch not found')
    const staged = state.place === null ? undefined : state.rec
    const changed = await change({ staged, commitId: state.commit_id, metaRangeId: state.metarange_id })
    if (changed === null) return false
    const params = [repoUid, branch, path, changed.value, state.epoch]
    const won = await (state.place === 1
      ? db.run(updateIfUnchanged, [...params, state.rec])
      : db.run(insertIfUnchanged, params))
    if (won.length > 0) return true
  }
  throw new DomainError('contended', `cannot write "${path.toString()}": too many writers at the same time`)
}

/**
 * Stages one change if `accept` agrees to what is there, atomically: of writers that accept the same state exactly one wins, the
 * others are asked again about the new state. `accept` refuses by returning false or by throwing; it may run several times.
 *
 * @returns whether it was staged
 * @throws branch_not_found, contended, outcome_unknown, database_unavailable, whatever `accept` throws
 */
export async function stageIf(
  db: Db,
  repoUid: RepositoryUid,
  branch: BranchName,
  row: { readonly path: ObjectPath; readonly value: Buffer | null },
  accept: (state: StagedState) => boolean | Promise<boolean>,
): Promise<boolean> {
  return stageChange(db, repoUid, branch, row.path, async (state) => ((await accept(state)) ? row : null))
}

/**
 * Stages one change if the path holds nothing: nothing staged and nothing committed, or a tombstone on top. `isCommitted` looks the
 * path up in the given tree.
 *
 * @returns false when something is there
 * @throws as `stageIf`
 */
export function stageIfAbsent(
  db: Db,
  repoUid: RepositoryUid,
  branch: BranchName,
  row: { readonly path: ObjectPath; readonly value: Buffer | null },
  isCommitted: (metaRangeId: MetaRangeId) => boolean | Promise<boolean>,
): Promise<boolean> {
  return stageIf(db, repoUid, branch, row, async ({ staged, metaRangeId }) => {
    if (staged !== undefined) return staged === null
    return !(await isCommitted(metaRangeId))
  })
}
