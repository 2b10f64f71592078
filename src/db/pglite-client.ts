/** `Db` over PGlite: Postgres inside this process, one connection, for the start without a database server. */
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite, types } from '@electric-sql/pglite'
import { DomainError } from '../errors.ts'
import { createDb, type Driver, type Send } from './create-db.ts'
import { acquireDataLock } from './data-lock.ts'
import type { Db } from './db.ts'
import { ConnectFailure } from './failures.ts'
import { createPgliteSession } from './pglite-session.ts'
import { plannerSettings } from './planner.ts'

export interface PgliteDb extends Db {
  /** What autovacuum would do if PGlite had it: VACUUM and ANALYZE. Call it now and then, and after bulk loads. */
  maintain(): Promise<void>
}

/**
 * Opens (and on first use creates, about 2 s) the database in `folder`, or one in memory when it is null. Survives kill -9; does not
 * survive a power cut, since PGlite never calls fsync. Nobody but this process's user may read or write the database's files.
 *
 * @throws database_locked when another process has it open, corrupt when its files are not those of a database
 */
export async function openPgliteDb(folder: string | null): Promise<PgliteDb> {
  if (folder === null) return createPgliteDb(await create({}), () => undefined)
  mkdirSync(folder, { recursive: true })
  const lock = acquireDataLock(folder)
  try {
    return createPgliteDb(await create({ dataDir: privateFolder(join(folder, 'pglite')) }), lock.release)
  } catch (cause) {
    lock.release()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DomainError('corrupt', `cannot open "${folder}": the embedded database does not start: ${reason}`, {
      cause,
    })
  }
}

/** PGlite makes its files with mode 0666, so the folder around them has to keep others out. One that another user owns stays as it is. */
function privateFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (statSync(path).uid === process.getuid?.()) chmodSync(path, 0o700)
  return path
}

function create(place: { dataDir?: string }): Promise<PGlite> {
  return PGlite.create({
    ...place,
    relaxedDurability: false,
    // 128 MB by default, which would be a third of the process.
    startParams: [
      ...PGlite.defaultStartParams,
      ...['-c', 'shared_buffers=8MB'],
      ...plannerSettings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    parsers: {
      [types.INT8]: (text) => text,
      [types.BYTEA]: (text) => Buffer.from(text.slice(2), 'hex'),
    },
  })
}

/**
 * PGlite answers from microtasks alone, so statements that follow each other (a long commit, a full gathering lane) would keep sockets
 * and timers from their turn. Lets them in when the last turn is a while ago.
 */
function createBreather(): () => Promise<void> | null {
  const maxTurnMs = 10
  let turnStartedMs = performance.now()
  // One breath for all: with one each, the first to wake would have the whole next turn to itself.
  let breath: Promise<void> | null = null
  return () => {
    if (breath === null && performance.now() - turnStartedMs >= maxTurnMs) {
      breath = new Promise((resolve) =>
        setImmediate(() => {
          turnStartedMs = performance.now()
          breath = null
          resolve()
        }),
      )
    }
    return breath
  }
}

function createPgliteDb(lite: PGlite, release: () => void): PgliteDb {
  const breathe = createBreather()
  const session = createPgliteSession(lite)
  let last: Promise<unknown> = Promise.resolve()

  /** One after the other: the next statement or transaction starts when the one before has ended. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = last.then(async () => {
      await breathe()
      if (lite.closed) throw new ConnectFailure(new Error('the database is closed'))
      return work()
    })
    last = turn.catch(() => undefined)
    return turn
  }

  async function transaction<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    await session('BEGIN', [], null, 'objects')
    try {
      const result = await work(async (...statement) => {
        await breathe()
        return session(...statement)
      })
      await session('COMMIT', [], null, 'objects')
      return result
    } catch (error) {
      await session('ROLLBACK', [], null, 'objects')
      throw error
    }
  }

  const driver: Driver = {
    kind: 'pglite',
    prepare: true,
    send: (...statement) => inTurn(() => session(...statement)),
    transaction: (work) => inTurn(() => transaction(work)),
    close: async () => {
      await last
      if (!lite.closed) await lite.close()
      release()
    },
  }
  const maintain = () => inTurn(async () => void (await lite.exec('VACUUM (ANALYZE)')))
  return { ...createDb(driver), maintain }
}
