/**
 * `Db` over `postgres` (postgres.js): for Workers, where a connection belongs to the request that opened it. On servers it is not
 * used: a killed backend makes it throw where nobody can catch it.
 */
import postgres from 'postgres'
import { createDb, type Driver, type Send } from './create-db.ts'
import type { Db } from './db.ts'
import { ConnectFailure } from './failures.ts'

export interface PostgresJsOptions {
  readonly connectionString: string
  /** Connections of this scope; 3 when absent. */
  readonly maxConnections?: number
  /** Hyperdrive keeps prepared statements; false for poolers that do not. */
  readonly prepare?: boolean
}

/** Errors that postgres.js gives before anything is sent. */
const notSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CONNECT_TIMEOUT',
  'CONNECTION_ENDED',
])

/** A client for one request; call `close` when the response is done (`ctx.waitUntil`). */
export function createPostgresJsDb(options: PostgresJsOptions): Db {
  const sql = postgres(options.connectionString, {
    max: options.maxConnections ?? 3,
    prepare: options.prepare ?? true,
    // Saves a round trip per connection; no statement of ours returns an array.
    fetch_types: false,
    onnotice: () => undefined,
    types: { json: { to: 114, from: [114, 3802], serialize: asText, parse: (text: string) => JSON.parse(text) } },
  })
  // JSON parameters arrive here as text already; the driver would make them strings in JSON.
  sql.options.serializers[3802] = asText

  const transaction = async <Result>(work: (send: Send) => Promise<Result>): Promise<Result> => {
    // The wrapper keeps the driver from unwrapping a Result that is itself an array of promises.
    const done = await sql.begin(async (tx) => ({ result: await work(sendOver(tx)) })).catch(mark)
    return done.result
  }
  const driver: Driver = {
    kind: 'postgres',
    prepare: options.prepare ?? true,
    send: sendOver(sql),
    transaction,
    close: () => sql.end({ timeout: 5 }),
  }
  return createDb(driver)
}

function sendOver(sql: postgres.Sql | postgres.TransactionSql): Send {
  return async (text, params, name, rows) => {
    const query = sql.unsafe(text, params as postgres.ParameterOrJSON<never>[], { prepare: name !== null })
    return rows === 'arrays' ? await query.values().catch(mark) : await query.catch(mark)
  }
}

function mark(error: unknown): never {
  throw error instanceof Error && 'code' in error && notSent.has(String(error.code)) ? new ConnectFailure(error) : error
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
