/** `Db` over a driver: retries, error translation, the fallback from prepared statements, Drizzle. The same for all drivers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db, HotStatement, Param, Queries } from './db.ts'
import { classify, toDomainError } from './failures.ts'
import { createOrm } from './orm.ts'

/** One statement on one connection. `name` null: unprepared. Throws the driver's own errors, or `ConnectFailure`. */
export type Send = (
  text: string,
  params: readonly unknown[],
  name: string | null,
  rows: 'objects' | 'arrays',
) => Promise<unknown[]>

/** What a driver file implements. */
export interface Driver {
  readonly kind: Db['kind']
  /** Whether named statements are worth trying. */
  readonly prepare: boolean
  /** On any connection. */
  readonly send: Send
  /** BEGIN, `work`, COMMIT on one connection, ROLLBACK when `work` throws (and throws that error). */
  transaction<Result>(work: (send: Send) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** Attempts at a statement or transaction that ends in 40001 or 40P01, or whose prepared statement is gone. */
const maxAttempts = 8

/** See `Db`. */
export function createDb(driver: Driver): Db {
  let prepare = driver.prepare

  function queries(send: Send, handle: (error: unknown, readOnly: boolean, attempt: number) => Promise<void>): Queries {
    async function sendUntilDone(
      text: string,
      params: readonly unknown[],
      name: string | null,
      readOnly: boolean,
      rows: 'objects' | 'arrays',
    ) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await send(text, params, prepare && name !== '' ? name : null, rows)
        } catch (error) {
          await handle(error, readOnly, attempt)
        }
      }
    }
    async function run<Row extends object>(statement: HotStatement, params: readonly Param[]): Promise<Row[]> {
      // The row type is the caller's promise about its own SQL.
      return (await sendUntilDone(
        statement.text,
        params,
        statement.name,
        statement.readOnly === true,
        'objects',
      )) as Row[]
    }
    const orm = createOrm((text, params, rows) => sendUntilDone(text, params, null, isPlainSelect(text), rows))
    return { run, orm }
  }

  /** Returns when the statement may be sent again, else throws. */
  async function retryOrThrow(error: unknown, readOnly: boolean, attempt: number): Promise<void> {
    const failure = classify(error)
    if (failure === 'unprepared' && attempt < maxAttempts) {
      // Several may have been on their way under their names when the first was refused: each is sent again, without a name.
      prepare = false
      return
    }
    if (failure === 'again' && attempt < maxAttempts) return backOff(attempt)
    if (failure === 'lost' && readOnly) {
      if (attempt === 1) return
      throw toDomainError('unsent', error)
    }
    throw toDomainError(failure, error)
  }

  async function transaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const state = { phase: 'begin' as 'begin' | 'work' | 'commit', failed: undefined as unknown }
      const remember = async (error: unknown) => {
        state.failed = error
        throw error
      }
      try {
        return await driver.transaction(async (send) => {
          state.phase = 'work'
          const result = await work(queries(send, remember))
          // Postgres answers COMMIT with ROLLBACK when a statement failed before, also when `work` did not mind.
          if (state.failed !== undefined) throw state.failed
          state.phase = 'commit'
          return result
        })
      } catch (error) {
        // What `work` throws of its own accord passes as it is.
        if (state.phase === 'work' && error !== state.failed) throw error
        const failure = classify(error)
        if (failure === 'lost' && state.phase !== 'commit') throw toDomainError('unsent', error)
        await retryOrThrow(error, false, attempt)
      }
    }
  }

  return { kind: driver.kind, ...queries(driver.send, retryOrThrow), transaction, close: driver.close }
}

/** Whether a statement of Drizzle's changes and locks nothing, so that it may be sent again as a hot one that says so. */
function isPlainSelect(text: string): boolean {
  return /^select\b/i.test(text) && !/\bfor (?:no key )?(?:update|share|key share)\b/i.test(text)
}

/** 1..2, 2..4, 4..8 … ms: jittered, so that the same callers do not meet again. */
function backOff(attempt: number): Promise<void> {
  return sleep(2 ** (attempt - 1) * (1 + Math.random()))
}
