/** `Db` over PGlite: Postgres inside this process, one connection, for the start without a database server. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite, types } from '@electric-sql/pglite'
import { createDb, type Driver, type Send } from './create-db.ts'
import { acquireDataLock } from './data-lock.ts'
import type { Db } from './db.ts'
import { ConnectFailure } from './failures.ts'

export interface PgliteDb extends Db {
  /** What autovacuum would do if PGlite had it: VACUUM and ANALYZE. Call it now and then, and after bulk loads. */
  maintain(): Promise<void>
}

/**
 * Opens (and on first use creates, about 2 s) the database in `folder`, or one in memory when it is null. Survives kill -9; does not
 * survive a power cut, since PGlite never calls fsync.
 *
 * @throws database_locked when another process has it open
 */
export async function openPgliteDb(folder: string | null): Promise<PgliteDb> {
  if (folder === null) return createPgliteDb(await create({}), () => undefined)
  mkdirSync(folder, { recursive: true })
  const lock = acquireDataLock(folder)
  try {
    return createPgliteDb(await create({ dataDir: join(folder, 'pglite') }), lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

function create(place: { dataDir?: string }): Promise<PGlite> {
  return PGlite.create({
    ...place,
    relaxedDurability: false,
    // 128 MB by default, which would be a third of the process.
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB'],
    parsers: {
      [types.INT8]: (text) => text,
      [types.BYTEA]: (text) => Buffer.from(text.slice(2), 'hex'),
    },
    serializers: {
      [types.BYTEA]: (bytes: Uint8Array) =>
        `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`,
    },
  })
}

/**
 * PGlite answers from microtasks alone, so statements that follow each other (a long commit, a full gathering lane) would keep sockets
 * and timers from their turn. Lets them in when the last turn is a while ago.
 */
function createBreather(): () => Promise<void> | undefined {
  const maxTurnMs = 10
  let turnStartedMs = performance.now()
  return () => {
    if (performance.now() - turnStartedMs < maxTurnMs) return undefined
    return new Promise((resolve) =>
      setImmediate(() => {
        turnStartedMs = performance.now()
        resolve()
      }),
    )
  }
}

function createPgliteDb(lite: PGlite, release: () => void): PgliteDb {
  const breathe = createBreather()
  const open = () => {
    if (lite.closed) throw new ConnectFailure(new Error('the database is closed'))
  }
  const send: Send = async (text, params, _name, rows) => {
    open()
    await breathe()
    return (await lite.query(text, [...params], rows === 'arrays' ? { rowMode: 'array' } : undefined)).rows
  }
  const driver: Driver = {
    kind: 'pglite',
    // One wasm call deep, parsing is cheap; the client has no named statements.
    prepare: false,
    send,
    transaction: async (work) => {
      open()
      return lite.transaction((tx) =>
        work(
          async (text, params, _name, rows) =>
            (await tx.query(text, [...params], rows === 'arrays' ? { rowMode: 'array' } : undefined)).rows,
        ),
      )
    },
    close: async () => {
      if (!lite.closed) await lite.close()
      release()
    },
  }
  return { ...createDb(driver), maintain: async () => void (await lite.exec('VACUUM (ANALYZE)')) }
}
