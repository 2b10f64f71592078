import { readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import { afterAll, describe, expect, test } from 'vitest'
// @ts-expect-error a build script, without types
import { renderMigrations } from '../../scripts/embed-migrations.mjs'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { migrations } from '../../src/db/migrations.gen.ts'
import { createPgDb } from '../../src/db/pg-client.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'

afterAll(stopPostgres)

test('the embedded migrations are those of the folder', () => {
  const embedded = readFileSync(new URL('../../src/db/migrations.gen.ts', import.meta.url), 'utf8')
  expect(embedded).toBe(renderMigrations())
})

describe.each([
  { kind: 'pglite', open: async () => openPgliteDb(null) },
  { kind: 'postgres', open: async () => createPgDb({ connectionString: await createDatabase() }) },
])('migrate on $kind', ({ open }) => {
  const applied = async (db: Db) => db.orm.execute(sql`SELECT number, tag FROM interlaken_migrations ORDER BY number`)

  test('applies what is missing, once, and keeps the installation', async () => {
    const db = await open()
    await migrate(db)
    const first = await db.orm.query.installation.findFirst()
    await migrate(db)
    const later = { tag: '9999_later', statements: ['CREATE TABLE later (a int)', 'INSERT INTO later VALUES (7)'] }
    await migrate(db, [...migrations, later])
    await migrate(db, [...migrations, later])
    expect(await db.orm.execute(sql`SELECT a FROM later`)).toEqual([{ a: 7 }])
    expect(await applied(db)).toEqual([...migrations, later].map(({ tag }, number) => ({ number, tag })))
    expect(await db.orm.query.installation.findMany()).toEqual([first])
    // This program without `later` meets a database that has it.
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'database_newer',
      message: expect.stringContaining('9999_later'),
    })
    await db.close()
  })

  test('a failing migration leaves nothing', async () => {
    const db = await open()
    const broken = { tag: '9998_broken', statements: ['CREATE TABLE half (a int)', 'SELECT 1 / 0'] }
    await expect(migrate(db, [...migrations, broken])).rejects.toThrow('division by zero')
    await migrate(db)
    expect(await applied(db)).toHaveLength(migrations.length)
    await expect(db.orm.execute(sql`SELECT a FROM half`)).rejects.toThrow('half')
    await db.close()
  })
})

test('pools that start together on an empty database all succeed', async () => {
  for (let round = 0; round < 3; round++) {
    const connectionString = await createDatabase()
    const pools = Array.from({ length: 6 }, () => createPgDb({ connectionString }))
    await Promise.all(pools.map((db) => migrate(db)))
    const ids = await Promise.all(pools.map(async (db) => (await db.orm.query.installation.findFirst())?.id))
    expect(new Set(ids).size).toBe(1)
    await Promise.all(pools.map((db) => db.close()))
  }
})

test('the tables follow the search path', async () => {
  const connectionString = await createDatabase()
  const admin = createPgDb({ connectionString })
  await admin.orm.execute(sql`CREATE SCHEMA elsewhere`)
  const db = createPgDb({ connectionString: `${connectionString}?options=-c%20search_path%3Delsewhere` })
  await migrate(db)
  expect(await admin.orm.execute(sql`SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'`)).toEqual([
    { n: 0 },
  ])
  await db.close()
  await admin.close()
})
