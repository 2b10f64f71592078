/** Reading staged rows of several tokens: the pieces of SQL and the row shape that `refs` and `staging` share. */

/** One staged row: `place` 1 is the newest token of those asked for. `rec` null is a tombstone. */
export interface StagedRow {
  readonly place: number
  readonly path: Buffer
  readonly rec: Buffer | null
}

/** Above every path: paths have at most 1024 bytes (lakeFS's limit). */
const aboveAllPaths = `decode(repeat('ff', 1025), 'hex')`

/**
 * A row set `page(place, path, rec)`: for each of `tokens` (SQL of type `uuid[]`, newest first) its first `limit` rows from `start`
 * (inclusive) to `end` (exclusive; null: no end). One index range per token; `token = ANY(…) ORDER BY path` would sort everything.
 */
export function stagedPageSql(tokens: string, start: string, end: string, limit: string): string {
  return `unnest(${tokens}) WITH ORDINALITY t(token, place) CROSS JOIN LATERAL (
    SELECT path, rec FROM staged WHERE token = t.token AND path >= ${start}::bytea AND path < COALESCE(${end}::bytea, ${aboveAllPaths})
    ORDER BY path LIMIT ${limit}::int4) page`
}

/**
 * As `stagedPageSql`, but after a row whose path has `delimiter` at or after `prefixBytes` it goes on behind that whole group: the
 * n-th row costs one index descent however large the groups are. `successor` is the delimiter's bytes plus one, in byte order.
 */
export function stagedGroupsSql(p: {
  tokens: string
  start: string
  end: string
  limit: string
  prefixBytes: string
  delimiter: string
  successor: string
}): string {
  const first = (from: string) =>
    `SELECT path, rec FROM staged WHERE token = t.token AND path >= ${from} AND path < COALESCE(${p.end}::bytea, ${aboveAllPaths}) ORDER BY path LIMIT 1`
  const at = `position(${p.delimiter}::bytea IN substring(walk.path FROM ${p.prefixBytes}::int4 + 1))`
  const behind = `CASE WHEN ${at} > 0 THEN substring(walk.path FROM 1 FOR ${p.prefixBytes}::int4 + ${at} - 1) || ${p.successor}::bytea ELSE walk.path || '\\x00'::bytea END`
  return `unnest(${p.tokens}) WITH ORDINALITY t(token, place) CROSS JOIN LATERAL (
    WITH RECURSIVE walk(path, rec, step) AS (
      (SELECT path, rec, 1 FROM (${first(`${p.start}::bytea`)}) head)
      UNION ALL
      (SELECT next.path, next.rec, walk.step + 1 FROM walk CROSS JOIN LATERAL (${first(behind)}) next WHERE walk.step < ${p.limit}::int4)
    ) SELECT path, rec FROM walk) page`
}
