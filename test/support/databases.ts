/** Runs a suite on every kind of database that Interlaken keeps its state in. */
import { afterAll, beforeAll, describe } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createPgDb } from '../../src/db/pg-client.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { createDatabase, stopPostgres } from './postgres.ts'

/** `suite` gets a migrated database of its own through the function; call it inside tests and hooks. */
export function describeOnDatabases(title: string, suite: (db: () => Db, kind: Db['kind']) => void): void {
  describe.each([
    { kind: 'pglite' as const, open: () => openPgliteDb(null) },
    { kind: 'postgres' as const, open: async () => createPgDb({ connectionString: await createDatabase() }) },
  ])(`${title} on $kind`, ({ kind, open }) => {
    let db: Db | undefined
    beforeAll(async () => {
      db = await open()
      await migrate(db)
    })
    afterAll(async () => {
      await db?.close()
      if (kind === 'postgres') await stopPostgres()
    })
    suite(() => {
      if (db === undefined) throw new Error('the database is there once the first hook ran')
      return db
    }, kind)
  })
}
