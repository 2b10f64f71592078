/** Writing to a branch's staging area. An acknowledged write is in the token that the branch had while its row was share-locked. */
import { hexArray, toHex } from '../db/arrays.ts'
import type { Db, HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, ObjectPath, RepositoryUid } from '../model.ts'

/** One change: `value` is the framed record as it will lie in a range, null a tombstone. */
export interface StageRow {
  readonly path: ObjectPath
  readonly value: Buffer | null
}

/** Takes writes to branches; see `gather.ts` (servers) and `createDirectWriter` (Workers). */
export interface StageWriter {
  /**
   * Resolves when all `rows` are durable. Of equal paths the last one counts.
   * @throws branch_not_found, outcome_unknown (some or all may have happened: never repeat it), database_unavailable
   */
  stage(repoUid: RepositoryUid, branch: BranchName, rows: readonly StageRow[]): Promise<void>
}

/**
 * FOR SHARE, since neither no lock nor FOR KEY SHARE waits for the UPDATE that rotates the token: a writer behind it re-reads the row
 * and writes to the new token, and the rotation waits for writers before it.
 */
const stageRowsStatement: HotStatement = {
  name: 'stage_rows',
  text: `WITH b AS MATERIALIZED (SELECT token FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' FOR SHARE),
    w AS (INSERT INTO staged (token, path, rec)
      SELECT b.token, u.path, u.rec FROM b, unnest($3::text::bytea[], $4::text::bytea[]) WITH ORDINALITY u(path, rec, n) ORDER BY u.n
      ON CONFLICT (token, path) DO UPDATE SET rec = excluded.rec)
    SELECT count(*)::int4 AS branches FROM b`,
}

/**
 * Stages `rows` in one statement: all or none. Equal paths: the last one counts. Sorted by path, since overlapping batches in
 * different orders deadlock.
 *
 * @throws branch_not_found, outcome_unknown, database_unavailable
 */
export async function stageRows(
  db: Db,
  repoUid: RepositoryUid,
  branch: BranchName,
  rows: readonly StageRow[],
): Promise<void> {
  if (rows.length === 0) return
  const [paths, values] = encodeRows(rows)
  const [answer] = await db.run<{ branches: number }>(stageRowsStatement, [repoUid, branch, paths, values])
  if (answer?.branches !== 1) throw new DomainError('branch_not_found', 'branch not found')
}

/** A writer that sends every call as it comes. */
export function createDirectWriter(db: Db): StageWriter {
  return { stage: (repoUid, branch, rows) => stageRows(db, repoUid, branch, rows) }
}

/** Two array literals of equal length, sorted by path. Hex sorts as the bytes do. */
function encodeRows(rows: readonly StageRow[]): [paths: string, values: string] {
  const [only] = rows
  if (rows.length === 1 && only !== undefined) {
    return [hexArray([toHex(only.path)]), hexArray([only.value === null ? null : toHex(only.value)])]
  }
  const byPath = new Map<string, Buffer | null>()
  for (const row of rows) byPath.set(toHex(row.path), row.value)
  const paths = [...byPath.keys()].sort()
  return [
    hexArray(paths),
    hexArray(
      paths.map((path) => {
        const value = byPath.get(path) ?? null
        return value === null ? null : toHex(value)
      }),
    ),
  ]
}
