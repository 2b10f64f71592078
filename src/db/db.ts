/**
 * The one seam over Postgres drivers (`pg` on servers, PGlite embedded, `postgres` on Workers). It hides what they disagree on:
 * result shapes, SQLSTATE's place, prepared names, arrays. Rooms above never import a driver.
 */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type * as schema from './schema.ts'

/** Drizzle over the current connection or transaction: for statements that are not hot. Its errors are those of `run`. */
export type Orm = PgDatabase<PgQueryResultHKT, typeof schema>

/** A hot statement: raw SQL with `$1…`, prepared once per connection under its name where the server allows it. */
export interface HotStatement {
  /** One text per name, for ever; `""`: not prepared. */
  readonly name: string
  readonly text: string
  /** Changes and locks nothing: sent once more when its connection was lost, so it never ends in `outcome_unknown`. */
  readonly readOnly?: true
}

/** Parameters that every driver encodes alike. Arrays travel as text literals (`arrays.ts`), JSON as `$n::text::jsonb`. */
export type Param = string | number | boolean | null | Uint8Array

/** Statements inside one transaction or on the pool. */
export interface Queries {
  readonly orm: Orm
  /**
   * Rows as plain objects: bytea as Buffer, int8 and uuid as text, json and jsonb parsed, timestamps as Date. Arrays are not in the
   * list (`array_to_string`, `to_json`), since not every driver parses them.
   */
  run<Row extends object>(statement: HotStatement, params: readonly Param[]): Promise<Row[]>
}

/**
 * A database, as long as the scope it was made for: the process on servers, one request on Workers.
 *
 * Every method throws `database_unavailable` when nothing was sent (or what was sent is known to be rolled back), `outcome_unknown`
 * when a statement was sent and no answer came, `invalid_argument` for NUL in text; serialization failures (40001) and deadlocks
 * (40P01) are tried again, a bounded number of times. Other errors of the server pass through; `sqlState` reads them.
 */
export interface Db extends Queries {
  readonly kind: 'postgres' | 'pglite'
  /**
   * One transaction (READ COMMITTED). `work` may run again after 40001/40P01, so it must not have effects outside `tx`, and it must
   * not use this `Db` (PGlite has one connection and would wait for itself).
   */
  transaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}
