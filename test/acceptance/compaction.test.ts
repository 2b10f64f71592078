/** Compaction on Bun, on the embedded database and on Postgres. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { describeCompaction } from './compaction.ts'

describe.each(['embedded', 'postgres'] as const)('compaction with the %s database', (database) => {
  let server: RunningServer | undefined
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-compaction-'))
  const target = () => {
    if (server === undefined) throw new Error('the server is there once the first hook ran')
    return server
  }

  beforeAll(async () => {
    server = await startServer({
      runtime: 'bun',
      ...(database === 'embedded' ? {} : { databaseUrl: await createDatabase() }),
      stores: [{ id: 'disk', type: 'local', backward_compatible: true, local: { path: folder } }],
      environment: { INTERLAKEN_GRAVELER_COMPACTION_SENSOR_THRESHOLD: '40' },
    })
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  describeCompaction(target, {
    id: 'disk',
    namespace: 'local://lake',
    tables(repository) {
      const tables = join(folder, 'lake', repository, '_lakefs')
      return existsSync(tables) ? readdirSync(tables).length : 0
    },
  })
})
