/** Brings a database to this program's schema, whoever else is starting at the same moment. */
import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { DomainError } from '../errors.ts'
import type { Db, HotStatement, Queries } from './db.ts'
import { sqlState } from './failures.ts'
import { migrations } from './migrations.gen.ts'

export type Migration = (typeof migrations)[number]

interface Applied {
  readonly number: number
  readonly tag: string
  readonly hash: string
}

const selectApplied: HotStatement = {
  name: 'migrate_applied',
  text: 'SELECT number, tag, hash FROM interlaken_migrations ORDER BY number',
  readOnly: true,
}

/** Losers of the race to create the bookkeeping table: duplicate table, duplicate type, duplicate row. */
const lostRace = new Set(['42P07', '42710', '23505'])

/**
 * Applies what is missing in one transaction, under a lock on the bookkeeping table (held by the transaction, so it works through
 * poolers and ends with the process), and ensures the one `installation` row. Any number of processes may call it at once.
 *
 * @throws database_newer when the database has migrations that this program does not know
 */
export async function migrate(db: Db, wanted: readonly Migration[] = migrations): Promise<void> {
  if (await isCurrent(db, wanted)) return
  for (let attempt = 1; ; attempt++) {
    try {
      await db.transaction((tx) => applyMissing(tx, wanted))
      return
    } catch (error) {
      if (attempt === 5 || !lostRace.has(sqlState(error) ?? '')) throw error
    }
  }
}

async function isCurrent(db: Db, wanted: readonly Migration[]): Promise<boolean> {
  try {
    return missingFrom(await db.run<Applied>(selectApplied, []), wanted).length === 0
  } catch (error) {
    // No such table: an empty database.
    if (sqlState(error) === '42P01') return false
    throw error
  }
}

async function applyMissing(tx: Queries, wanted: readonly Migration[]): Promise<void> {
  await tx.orm.execute(
    sql`CREATE TABLE IF NOT EXISTS interlaken_migrations (
      number int PRIMARY KEY, tag text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  )
  await tx.orm.execute(sql`LOCK TABLE interlaken_migrations IN ACCESS EXCLUSIVE MODE`)
  const missing = missingFrom(await tx.run<Applied>(selectApplied, []), wanted)
  for (const migration of missing) {
    for (const statement of migration.statements) await tx.orm.execute(sql.raw(statement))
    const number = wanted.indexOf(migration)
    await tx.orm.execute(
      sql`INSERT INTO interlaken_migrations (number, tag, hash) VALUES (${number}, ${migration.tag}, ${hashOf(migration)})`,
    )
  }
  await tx.orm.execute(sql`INSERT INTO installation DEFAULT VALUES ON CONFLICT DO NOTHING`)
}

function missingFrom(applied: readonly Applied[], wanted: readonly Migration[]): readonly Migration[] {
  for (const [at, { number, tag, hash }] of applied.entries()) {
    const known = wanted[at]
    if (known === undefined || number !== at || hash !== hashOf(known)) {
      throw new DomainError(
        'database_newer',
        `cannot use the database: it was made by another, probably newer version (migration "${tag}" is not known here)`,
      )
    }
  }
  return wanted.slice(applied.length)
}

function hashOf(migration: Migration): string {
  return createHash('sha256').update(migration.statements.join('\n')).digest('hex')
}
