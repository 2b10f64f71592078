/**
 * The one seam over Postgres drivers (`pg` on servers, PGlite embedded, `postgres` on Workers). It hides what they disagree on:
 * result shapes, SQLSTATE's place, prepared names, arrays. Rooms above never import a driver.
 */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type * as schema from './schema.ts'

/** Drizzle over the current connection or transaction: for statements that are not hot. */
export type Orm = PgDatabase<PgQueryResultHKT, typeof schema>

/** A hot statement: raw SQL with `$1…`, prepared once per connection under its name where the server allows it. */
export interface HotStatement {
  readonly name: string
  readonly text: string
}

/** Parameters that every driver encodes alike. Arrays travel as text literals: see `arrays.ts`. */
export type Param = string | number | boolean | null | Uint8Array

/** Statements inside one transaction or on the pool. */
export interface Queries {
  readonly orm: Orm
  /** Rows as plain objects; bytea as Buffer, int8 and uuid as text (cast anything else in the statement). */
  run<Row extends object>(statement: HotStatement, params: readonly Param[]): Promise<Row[]>
}

/**
 * A database, as long as the scope it was made for: the process on servers, one request on Workers.
 *
 * Every method throws `database_unavailable` when nothing was sent and `outcome_unknown` when a statement was sent and no answer
 * came; serialization failures (40001) and deadlocks (40P01) are tried again, at most `maxAttempts` times.
 */
export interface Db extends Queries {
  readonly kind: 'postgres' | 'pglite'
  /** One transaction. `work` may run again after 40001/40P01, so it must not have effects outside `tx`. */
  transaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}
