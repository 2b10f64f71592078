/** Deletes rows that no ref points at any more. */
import type { Db, HotStatement } from '../db/db.ts'

/**
 * Rows go in slices of their key order, so that no statement runs long; a token goes when it has no rows left. Ten minutes, by the
 * database's clock: readers that took the tokens from their branch before a commit are done by then.
 */
const sweepSlice: HotStatement = {
  name: 'sweep_slice',
  text: `WITH t AS MATERIALIZED (
      SELECT token FROM retired_tokens WHERE retired_at < now() - $1::int4 * interval '1 second' ORDER BY retired_at LIMIT 1 FOR UPDATE SKIP LOCKED),
    k AS MATERIALIZED (SELECT path FROM staged WHERE token = (SELECT token FROM t) ORDER BY path LIMIT $2::int4),
    n AS MATERIALIZED (SELECT count(*)::int4 AS rows, (array_agg(path ORDER BY path DESC))[1] AS last FROM k),
    d AS (DELETE FROM staged WHERE token = (SELECT token FROM t) AND path <= (SELECT last FROM n)),
    done AS (DELETE FROM retired_tokens WHERE token = (SELECT token FROM t) AND (SELECT rows FROM n) < $2::int4)
    SELECT (SELECT count(*) FROM t)::int4 AS tokens, rows FROM n`,
}

const graceSeconds = 600
const sliceRows = 5000

/**
 * Deletes the staged rows of tokens that were retired more than ten minutes ago, at most `maxSlices` slices of 5000 rows. Several
 * servers may sweep at once.
 *
 * @returns rows deleted
 */
export async function sweepRetired(db: Db, maxSlices = 100): Promise<number> {
  let deleted = 0
  for (let slice = 0; slice < maxSlices; slice++) {
    const [answer] = await db.run<{ tokens: number; rows: number }>(sweepSlice, [graceSeconds, sliceRows])
    if (answer === undefined || answer.tokens === 0) break
    deleted += answer.rows
  }
  return deleted
}
