/** The manners on Bun and Node, on the embedded database and on Postgres, with one storage that nobody answers for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../support/http.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { describeManners } from './manners.ts'

describe.each([
  { runtime: 'bun', database: 'embedded' },
  { runtime: 'node', database: 'embedded' },
  { runtime: 'bun', database: 'postgres' },
  { runtime: 'node', database: 'postgres' },
] as const)('on $runtime with the $database database', ({ runtime, database }) => {
  let server: RunningServer | undefined
  let folder: string | undefined

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interlaken-manners-'))
    const credentials = { access_key_id: 'storage-key', secret_access_key: 'storage-secret' }
    server = await startServer({
      runtime,
      ...(database === 'embedded' ? {} : { databaseUrl: await createDatabase() }),
      environment: { INTERLAKEN_LOGGING_FORMAT: 'json', INTERLAKEN_LOGGING_AUDIT_LOG_LEVEL: 'info' },
      stores: [
        { id: 'disk', type: 'local', local: { path: join(folder, 'disk') } },
        {
          id: 'gone',
          type: 's3',
          s3: { endpoint: 'http://127.0.0.1:1', force_path_style: true, max_retries: 0, credentials },
        },
      ],
    })
  })
  afterAll(async () => {
    await server?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  const target = () => {
    if (server === undefined) throw new Error('the server is there once the first hook ran')
    return server
  }
  describeManners('manners', target, 'disk', 'gone')

  // Bun answers without a body and has nothing that would change it.
  it.runIf(runtime === 'node')('says how long headers may be', async () => {
    const refused = await call(target(), 'GET', '/healthcheck', { headers: { 'x-much': 'x'.repeat(200_000) } })
    expect(refused.json).toEqual({ message: 'request headers are larger than 131072 bytes in all' })
  })
})
