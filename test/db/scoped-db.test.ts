import { AsyncLocalStorage } from 'node:async_hooks'
import { sql } from 'drizzle-orm'
import { afterAll, expect, test } from 'vitest'
import type { Db, HotStatement } from '../../src/db/db.ts'
import { createPostgresJsDb } from '../../src/db/postgres-js-client.ts'
import { createScopedDb } from '../../src/db/scoped-db.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'

afterAll(stopPostgres)

const whereAmI: HotStatement = { name: 'where_am_i', text: 'SELECT current_database() AS name', readOnly: true }

test('each of many at once uses its own connection, and closing closes no other', async () => {
  const scopes = new AsyncLocalStorage<Db>()
  const db = createScopedDb(() => {
    const current = scopes.getStore()
    if (current === undefined) throw new Error('there is no request')
    return current
  })
  const urls = [await createDatabase(), await createDatabase(), await createDatabase()]
  const seen = await Promise.all(
    urls.map((connectionString) =>
      scopes.run(createPostgresJsDb({ connectionString }), async () => {
        const names: unknown[] = []
        for (let round = 0; round < 3; round++) {
          names.push((await db.run<{ name: string }>(whereAmI, []))[0]?.name)
          names.push(await db.transaction(async (tx) => (await tx.run<{ name: string }>(whereAmI, []))[0]?.name))
          const [row] = (await db.orm.execute(sql`SELECT current_database() AS name`)) as unknown as { name: string }[]
          names.push(row?.name)
        }
        await db.close()
        return [...new Set(names)]
      }),
    ),
  )
  expect(seen).toEqual(urls.map((url) => [url.slice(url.lastIndexOf('/') + 1)]))
  expect(() => db.run(whereAmI, [])).toThrow('there is no request')
})
