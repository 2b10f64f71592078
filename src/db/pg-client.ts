/** `Db` over `pg`: a pool, for servers on Node and Bun. */
import pg from 'pg'
import { createDb, type Driver, type Send } from './create-db.ts'
import type { Db } from './db.ts'
import { ConnectFailure, classify } from './failures.ts'
import { plannerSettingsSql } from './planner.ts'

export interface PgOptions {
  readonly connectionString: string
  /** Connections at most; 16 when absent. */
  readonly maxConnections?: number
  /** How long a caller waits for a connection; 10 s when absent. */
  readonly connectTimeoutMs?: number
  /** Connections older than this are replaced; 5 minutes when absent. */
  readonly maxLifetimeMs?: number
  /** False for poolers without prepared statements; they are noticed otherwise too, one failed statement later. */
  readonly prepare?: boolean
  /** Told of connections that failed while nobody used them. */
  readonly onIdleError?: (error: Error) => void
}

/** A database behind a pool of connections. */
export interface PooledDb extends Db {
  /** Connections that work now, and callers beyond them. */
  poolUse(): { readonly busy: number; readonly waiting: number }
}

/** A pool that connects when it is first used. */
export function createPgDb(options: PgOptions): PooledDb {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.maxConnections ?? 16,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    maxLifetimeSeconds: Math.ceil((options.maxLifetimeMs ?? 300_000) / 1000),
    keepAlive: true,
    onConnect: async (client) => {
      // A database that has other settings than Postgres plans as it likes.
      await client.query(plannerSettingsSql).catch((error: unknown) => {
        if (classify(error) === 'lost') throw error
      })
    },
  })
  const onIdleError = options.onIdleError ?? (() => undefined)
  // Without both listeners a killed backend ends the process. The pool tells of idle clients; what works fails by its statement.
  pool.on('error', onIdleError)
  pool.on('connect', (client) => client.on('error', () => undefined))

  async function connect(): Promise<pg.PoolClient> {
    try {
      return await pool.connect()
    } catch (error) {
      throw new ConnectFailure(error)
    }
  }

  const send: Send = async (text, params, name, rows) => {
    const client = await connect()
    try {
      const answer = await sendOn(client, text, params, name, rows)
      client.release()
      return answer
    } catch (error) {
      client.release(classify(error) === 'lost')
      throw error
    }
  }

  async function transaction<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    const client = await connect()
    try {
      await client.query('BEGIN')
      const result = await work((text, params, name, rows) => sendOn(client, text, params, name, rows))
      await client.query('COMMIT')
      client.release()
      return result
    } catch (error) {
      await client.query('ROLLBACK').then(
        () => client.release(),
        (reason: Error) => client.release(reason),
      )
      throw error
    }
  }

  const driver: Driver = {
    kind: 'postgres',
    prepare: options.prepare ?? true,
    send,
    transaction,
    close: () => pool.end(),
  }
  return {
    ...createDb(driver),
    poolUse: () => ({ busy: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
  }
}

async function sendOn(
  client: pg.PoolClient,
  text: string,
  params: readonly unknown[],
  name: string | null,
  rows: 'objects' | 'arrays',
): Promise<unknown[]> {
  const values = params as unknown[]
  if (rows === 'arrays') return (await client.query({ text, values, rowMode: 'array' })).rows
  return (await client.query(name === null ? { text, values } : { name, text, values })).rows
}
