import { randomUUID } from 'node:crypto'
import { type AddressInfo, connect, createServer } from 'node:net'
import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byteaArray, textArray, uuidArray } from '../../src/db/arrays.ts'
import { type BunSql, createBunSqlDb } from '../../src/db/bun-sql-client.ts'
import type { Db, HotStatement } from '../../src/db/db.ts'
import { sqlState } from '../../src/db/failures.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createPgDb, type PgOptions } from '../../src/db/pg-client.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { createPostgresJsDb } from '../../src/db/postgres-js-client.ts'
import { credentials, installation, users } from '../../src/db/schema.ts'
import { DomainError } from '../../src/errors.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'

afterAll(stopPostgres)

/** There when the suite runs on Bun; `bun-sql-client.test.ts` runs it there. */
const { Bun } = globalThis as { Bun?: { SQL: BunSql } }
/** The client that servers on this runtime use. */
const createServerDb = (options: PgOptions) =>
  Bun === undefined ? createPgDb(options) : createBunSqlDb(Bun.SQL, options)

const drivers: Record<string, () => Promise<Db>> = {
  pg: async () => createPgDb({ connectionString: await createDatabase() }),
  'pg, unprepared': async () => createPgDb({ connectionString: await createDatabase(), prepare: false }),
  pglite: () => openPgliteDb(null),
  'postgres.js': async () => createPostgresJsDb({ connectionString: await createDatabase() }),
  'postgres.js, unprepared': async () =>
    createPostgresJsDb({ connectionString: await createDatabase(), prepare: false }),
  ...(Bun === undefined
    ? {}
    : {
        'Bun.sql': async () => createServerDb({ connectionString: await createDatabase() }),
        'Bun.sql, unprepared': async () => createServerDb({ connectionString: await createDatabase(), prepare: false }),
      }),
}

describe.each(Object.entries(drivers))('%s', (_, open) => {
  let db: Db
  beforeAll(async () => {
    db = await open()
    await migrate(db)
  })
  afterAll(() => db.close())

  test('parameters and columns have one shape', async () => {
    const bytes = Buffer.from([0, 1, 0x5c, 0xff])
    const view = Buffer.concat([Buffer.from('xx'), bytes]).subarray(2)
    const statement: HotStatement = {
      name: 'contract_shapes',
      text: `SELECT $1::bytea AS bytes, $2::int8 AS big, $3::int4 AS small, $4::uuid AS id, $5::text AS text, $6::text::jsonb AS json,
        $7::bool AS flag, $8::bytea AS nothing, array_to_string($9::text::uuid[], ',') AS ids,
        (SELECT string_agg(coalesce(encode(b, 'hex'), 'null'), ',' ORDER BY n) FROM unnest($10::text::bytea[]) WITH ORDINALITY u(b, n)) AS list,
        array_to_string($11::text::text[], '|') AS names, now() AS at`,
    }
    const [a, b] = [randomUUID(), randomUUID()]
    const names = ['plain', 'quo"te', 'back\\slash', 'com,ma', '{brace}', '', 'NULL', 'ü ü']
    for (let round = 0; round < 3; round++) {
      const params = [view, 2 ** 40, 7, a, 'tëxt "', JSON.stringify({ k: ['v'] }), true, null, uuidArray([a, b])]
      const [row] = await db.run<{ bytes: unknown }>(statement, [
        ...params,
        byteaArray([bytes, null, Buffer.alloc(0)]),
        textArray(names),
      ])
      expect(row).toEqual({
        bytes,
        big: String(2 ** 40),
        small: 7,
        id: a,
        text: 'tëxt "',
        json: { k: ['v'] },
        flag: true,
        nothing: null,
        ids: `${a},${b}`,
        list: '00015cff,null,',
        names: names.join('|'),
        at: expect.any(Date),
      })
      expect(Buffer.isBuffer(row?.bytes)).toBe(true)
    }
  })

  test('drizzle reads and writes every column type', async () => {
    const userId = `user-${randomUUID()}`
    await db.orm.insert(users).values({ id: userId, source: 'internal', email: 'a@b' })
    await db.orm.insert(credentials).values({ accessKeyId: userId, userId, sealedSecret: Buffer.from([0, 255]) })
    const [found] = await db.orm.select().from(credentials).where(eq(credentials.userId, userId))
    expect(found).toEqual({
      accessKeyId: userId,
      userId,
      sealedSecret: Buffer.from([0, 255]),
      createdAt: expect.any(Date),
    })
    await db.orm
      .update(installation)
      .set({ commPrefs: { a: [1] }, authVersion: sql`${installation.authVersion} + 1`, setupAt: new Date(1e12) })
    const [row] = await db.orm.select().from(installation)
    expect(row).toMatchObject({ commPrefs: { a: [1] }, authVersion: 2, storageVersion: 1, setupAt: new Date(1e12) })
  })

  test('NUL in text is the caller’s mistake', async () => {
    const statement = { name: 'contract_nul', text: 'SELECT $1::text AS t' }
    await expect(db.run(statement, ['a\0b'])).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(db.orm.insert(users).values({ id: 'a\0', source: '' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(await db.run(statement, ['ab'])).toEqual([{ t: 'ab' }])
  })

  test('a transaction is all or nothing and passes on what its work throws', async () => {
    const id = randomUUID()
    const own = new Error('mine')
    const insert = (tx: Pick<Db, 'orm'>) => tx.orm.insert(users).values({ id, source: '' })
    await expect(db.transaction((tx) => insert(tx).then(() => Promise.reject(own)))).rejects.toBe(own)
    expect(await db.orm.select().from(users).where(eq(users.id, id))).toEqual([])
    expect(await db.transaction((tx) => insert(tx).then(() => 'done'))).toBe('done')
    const swallowing = db.transaction((tx) =>
      insert(tx)
        .catch(() => undefined)
        .then(() => 'fine'),
    )
    await expect(swallowing).rejects.toSatisfy((error) => sqlState(error) === '23505')
    const twice = db.transaction(insert).catch((error: unknown) => sqlState(error))
    expect(await twice).toBe('23505')
    expect(await db.orm.select().from(users).where(eq(users.id, id))).toHaveLength(1)
  })

  test('other errors of the server keep their SQLSTATE and spoil nothing', async () => {
    const divide = { name: 'contract_divide', text: 'SELECT 6 / $1::int4 AS n' }
    for (let round = 0; round < 3; round++) {
      for (const statement of [divide, { ...divide, name: `contract_divide_${round}` }]) {
        expect(await db.run(statement, [0]).catch((error: unknown) => sqlState(error))).toBe('22012')
        expect(await db.run(statement, [2])).toEqual([{ n: 3 }])
      }
    }
    for (const n of [1, 2, 3]) expect(await db.run({ name: '', text: `SELECT ${n}::int4 AS n` }, [])).toEqual([{ n }])
    const nonsense = { name: 'contract_nonsense', text: 'SELECT nonsense' }
    for (let round = 0; round < 2; round++) {
      expect(await db.run(nonsense, []).catch((error: unknown) => sqlState(error))).toBe('42703')
    }
    const failed = db
      .run({ name: 'contract_zero', text: 'SELECT 1 / $1::int4' }, [0])
      .catch((error: unknown) => sqlState(error))
    expect(await failed).toBe('22012')
  })
})

describe('connections', () => {
  const one: HotStatement = { name: 'connections_one', text: 'SELECT $1::int4 AS n' }
  const pid: HotStatement = { name: 'connections_pid', text: 'SELECT pg_backend_pid() AS pid' }
  const kill: HotStatement = { name: 'connections_kill', text: 'SELECT pg_terminate_backend($1::int4)' }

  test.each([createServerDb, createPostgresJsDb])('nobody listens: database_unavailable (%o)', async (create) => {
    const db = create({ connectionString: 'postgres://u:p@127.0.0.1:1/none' })
    await expect(db.run(one, [1])).rejects.toMatchObject({ code: 'database_unavailable' })
    await expect(db.transaction((tx) => tx.run(one, [1]))).rejects.toMatchObject({ code: 'database_unavailable' })
    await db.close()
  })

  test('nobody waits for a connection longer than told', async () => {
    const db = createServerDb({
      connectionString: await createDatabase(),
      maxConnections: 1,
      connectTimeoutMs: 1000,
    })
    await db.run(one, [0])
    const slow = db.run({ name: '', text: 'SELECT pg_sleep(4), 1 AS n' }, []).then(() => 'slow')
    const impatient = Promise.all(
      Array.from({ length: 3 }, () => expect(db.run(one, [1])).rejects.toMatchObject({ code: 'database_unavailable' })),
    ).then(() => 'impatient')
    while (db.poolUse().busy === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(db.poolUse()).toEqual({ busy: 1, waiting: 3 })
    expect(await Promise.race([slow, impatient])).toBe('impatient')
    await slow
    expect(await db.run(one, [2])).toEqual([{ n: 2 }])
    await db.close()
  })

  test('a pooler that loses prepared statements costs one failed statement', async () => {
    const db = createServerDb({ connectionString: await createDatabase(), maxConnections: 1 })
    const forget: HotStatement = { name: 'connections_forget', text: 'DEALLOCATE ALL' }
    expect(await db.run(one, [1])).toEqual([{ n: 1 }])
    await db.run(forget, [])
    expect(await db.run(one, [2])).toEqual([{ n: 2 }])
    await db.close()
    const other = createServerDb({ connectionString: await createDatabase(), maxConnections: 1 })
    let rounds = 0
    await other.run(one, [1])
    await other.run(forget, [])
    const answer = await other.transaction(async (tx) => {
      rounds++
      return tx.run(one, [3])
    })
    expect([answer, rounds]).toEqual([[{ n: 3 }], 2])
    await other.close()
  })

  test('a pooler that loses every connection’s prepared statements fails none of the statements sent at once', async () => {
    const connections = 4
    const db = createServerDb({ connectionString: await createDatabase(), maxConnections: connections })
    const { promise: meeting, resolve: allHere } = withResolvers()
    let here = 0
    await Promise.all(
      Array.from({ length: connections }, () =>
        db.transaction(async (tx) => {
          await tx.run(one, [0])
          if (++here === connections) allHere()
          await meeting
          await tx.run({ name: '', text: 'DEALLOCATE ALL' }, [])
        }),
      ),
    )
    const transactions = Array.from({ length: 2 }, (_, n) => db.transaction((tx) => tx.run(one, [n])))
    const statements = Array.from({ length: 12 }, (_, n) => db.run(one, [n]))
    expect(await Promise.all(statements)).toEqual(Array.from({ length: 12 }, (_, n) => [{ n }]))
    expect(await Promise.all(transactions)).toEqual([[{ n: 0 }], [{ n: 1 }]])
    await db.close()
  })

  test('a statement that the server gave up, or that may not wait for a lock, is told as such', async () => {
    const db = createServerDb({ connectionString: await createDatabase(), maxConnections: 2 })
    await migrate(db)
    const stuck = db.transaction(async (tx) => {
      await tx.run({ name: '', text: `SET LOCAL statement_timeout = '5ms'` }, [])
      await tx.run({ name: '', text: 'SELECT pg_sleep(60)' }, [])
    })
    await expect(stuck).rejects.toMatchObject({ code: 'database_unavailable' })
    const lock: HotStatement = { name: '', text: 'SELECT 1 FROM installation FOR UPDATE NOWAIT' }
    await db.transaction(async (tx) => {
      await tx.run(lock, [])
      await expect(db.run(lock, [])).rejects.toMatchObject({ code: 'contended' })
    })
    expect(await db.run(lock, [])).toHaveLength(1)
    await db.close()
  })

  test('a connection that fails while nobody uses it is told once', async () => {
    const connectionString = await createDatabase()
    const told: Error[] = []
    const db = createPgDb({ connectionString, maxConnections: 1, onIdleError: (error) => told.push(error) })
    const killer = createPgDb({ connectionString, maxConnections: 1 })
    const [row] = await db.run<{ pid: number }>(pid, [])
    await killer.run(kill, [row?.pid ?? 0])
    while (db.poolUse().busy > 0 || told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await db.run(one, [1])).toEqual([{ n: 1 }])
    expect(told).toHaveLength(1)
    await db.close()
    await killer.close()
  })

  test('a killed backend: writes are unknown, reads are sent again, open transactions are known to be undone', async () => {
    const connectionString = await createDatabase()
    const db = createServerDb({ connectionString, maxConnections: 1 })
    const killer = createServerDb({ connectionString, maxConnections: 1 })
    async function killDuring<Result>(statement: HotStatement) {
      const [row] = await db.run<{ pid: number }>(pid, [])
      const pending = db.run<Result & object>(statement, []).catch((error: unknown) => error)
      for (;;) {
        const busy: HotStatement = {
          name: 'connections_busy',
          text: `SELECT 1 FROM pg_stat_activity WHERE pid = $1::int4 AND state = 'active' AND wait_event = 'PgSleep'`,
        }
        if ((await killer.run(busy, [row?.pid ?? 0])).length > 0) break
      }
      await killer.run(kill, [row?.pid ?? 0])
      return pending
    }
    const sleeping = { name: 'connections_sleep', text: 'SELECT 1 AS done FROM pg_sleep(0.7)' }
    expect(await killDuring(sleeping)).toMatchObject({ code: 'outcome_unknown' })
    expect(await killDuring({ ...sleeping, name: 'connections_read', readOnly: true })).toEqual([{ done: 1 }])
    const transaction = db.transaction(async (tx) => {
      const [row] = await tx.run<{ pid: number }>(pid, [])
      await killer.run(kill, [row?.pid ?? 0])
      await tx.run(one, [1])
    })
    await expect(transaction).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await db.run(one, [9])).toEqual([{ n: 9 }])
    await db.close()
    await killer.close()
  })

  test('backends killed under load: no answer goes to another caller, no transaction is half done', async () => {
    const connectionString = await createDatabase()
    const db = createServerDb({ connectionString, maxConnections: 4 })
    const killer = createPgDb({ connectionString, maxConnections: 1 })
    await killer.run({ name: '', text: 'CREATE TABLE accounts (id int PRIMARY KEY, units int NOT NULL)' }, [])
    await killer.run({ name: '', text: 'INSERT INTO accounts SELECT n, 100 FROM generate_series(0, 15) n' }, [])
    const add: HotStatement = {
      name: 'connections_add',
      text: 'UPDATE accounts SET units = units + $2::int4 WHERE id = $1::int4',
    }
    let kills = 0
    const failures: unknown[] = []
    const transfer = (from: number, to: number) =>
      db.transaction(async (tx) => {
        for (const id of [from, to].sort((a, b) => a - b)) await tx.run(add, [id, id === from ? -1 : 1])
      })
    const caller = async (who: number) => {
      for (let n = 0; kills < 12; n++) {
        try {
          if (who % 4 === 0) await transfer(who, (who + 1 + (n % 15)) % 16)
          else expect(await db.run(one, [who * 1_000_000 + n])).toEqual([{ n: who * 1_000_000 + n }])
        } catch (error) {
          failures.push(error)
        }
      }
    }
    const killing = async () => {
      const others = `FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
      for (; kills < 12; kills++) {
        await killer.run({ name: '', text: `SELECT pg_terminate_backend(pid) ${others} LIMIT 1` }, [])
        for (let n = 0; n < 50; n++) await db.run({ ...one, readOnly: true }, [n]).catch(() => undefined)
      }
    }
    await Promise.all([killing(), ...Array.from({ length: 16 }, (_, who) => caller(who))])
    const isExpected = (error: unknown) =>
      error instanceof DomainError && ['database_unavailable', 'outcome_unknown'].includes(error.code)
    expect(failures.filter((error) => !isExpected(error))).toEqual([])
    expect(await killer.run({ name: '', text: 'SELECT sum(units)::int4 AS sum FROM accounts' }, [])).toEqual([
      { sum: 1600 },
    ])
    await db.close()
    await killer.close()
  })

  test.each([
    'C08P01\0Munsupported startup parameter: plan_cache_mode',
    'C42704\0Munrecognized configuration parameter "plan_cache_mode"',
  ])(
    'a pooler or database that takes no settings at the start of a connection is served without them (%j)',
    async (refusing) => {
      const pooler = await strictPooler(await createDatabase(), refusing)
      const db = createServerDb({ connectionString: pooler.url })
      const statements = Array.from({ length: 20 }, (_, n) => db.run(one, [n]))
      expect(await Promise.all(statements)).toEqual(Array.from({ length: 20 }, (_, n) => [{ n }]))
      expect(await db.transaction((tx) => tx.run(one, [7]))).toEqual([{ n: 7 }])
      await db.close()
      pooler.close()
    },
  )

  test('an object that does not exist takes no settings away', async () => {
    const db = createServerDb({ connectionString: await createDatabase(), maxConnections: 1 })
    const seqscan: HotStatement = {
      name: 'connections_seqscan',
      text: "SELECT current_setting('enable_seqscan') AS seqscan",
    }
    const undefinedObject: HotStatement = { name: '', text: "SELECT 'x'::no_such_type" }
    await expect(db.run(undefinedObject, [])).rejects.toMatchObject({ message: /no_such_type/ })
    await expect(db.transaction((tx) => tx.run(undefinedObject, []))).rejects.toMatchObject({ message: /no_such_type/ })
    expect(await db.run(seqscan, [])).toEqual([{ seqscan: 'off' }])
    await db.close()
  })

  test('deadlocks and serialization failures are tried again', async () => {
    const db = createServerDb({ connectionString: await createDatabase() })
    await migrate(db)
    await db.orm.insert(users).values([
      { id: 'a', source: '0' },
      { id: 'b', source: '0' },
    ])
    const raise = (id: string): HotStatement => ({
      name: `connections_raise_${id}`,
      text: `UPDATE users SET source = (source::int + 1)::text WHERE id = '${id}'`,
    })
    let attempts = 0
    let locked = 0
    const { promise: meeting, resolve: bothLocked } = withResolvers()
    const run = (first: string, second: string) =>
      db.transaction(async (tx) => {
        attempts++
        await tx.run(raise(first), [])
        // Both hold their first row before either wants its second.
        if (++locked === 2) bothLocked()
        await meeting
        await tx.run(raise(second), [])
      })
    await Promise.all([run('a', 'b'), run('b', 'a')])
    expect((await db.orm.select().from(users)).map((user) => user.source)).toEqual(['2', '2'])
    expect(attempts).toBeGreaterThan(2)
    await db.close()
  })
})

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** A pooler at the door: ends connections that start with settings, passes everything else on. */
function strictPooler(connectionString: string, refusing: string): Promise<{ readonly url: string; close(): void }> {
  const { hostname, port } = new URL(connectionString)
  const refusal = Buffer.from(`SFATAL\0${refusing}\0\0`)
  const server = createServer((client) => {
    client.on('error', () => client.destroy())
    client.once('data', (start) => {
      if (start.includes('plan_cache_mode')) {
        const header = Buffer.alloc(5, 'E')
        header.writeUInt32BE(refusal.length + 4, 1)
        return client.end(Buffer.concat([header, refusal]))
      }
      const upstream = connect(Number(port), hostname)
      upstream.on('error', () => client.destroy())
      client.on('close', () => upstream.destroy())
      upstream.write(start)
      client.pipe(upstream).pipe(client)
    })
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const url = new URL(connectionString)
      url.port = String((server.address() as AddressInfo).port)
      resolve({ url: url.href, close: () => server.close() })
    }),
  )
}
