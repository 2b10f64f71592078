/** The manners on Bun and Node, on the embedded database and on Postgres, with one storage that nobody answers for. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useServers } from '../support/acceptance.ts'
import { call } from '../support/http.ts'
import { describeManners } from './manners.ts'

describe.each([
  { runtime: 'bun', database: 'embedded' },
  { runtime: 'node', database: 'embedded' },
  { runtime: 'bun', database: 'postgres' },
  { runtime: 'node', database: 'postgres' },
] as const)('on $runtime with the $database database', ({ runtime, database }) => {
  const credentials = { access_key_id: 'storage-key', secret_access_key: 'storage-secret' }
  const { server } = useServers({
    runtime,
    database,
    environment: { INTERLAKEN_LOGGING_FORMAT: 'json', INTERLAKEN_LOGGING_AUDIT_LOG_LEVEL: 'info' },
    stores: (folder) => [
      { id: 'disk', type: 'local', local: { path: join(folder, 'disk') } },
      {
        id: 'gone',
        type: 's3',
        s3: { endpoint: 'http://127.0.0.1:1', force_path_style: true, max_retries: 0, credentials },
      },
    ],
  })
  describeManners('manners', server, 'disk', 'gone')

  // Bun answers without a body and has nothing that would change it.
  it.runIf(runtime === 'node')('says how long headers may be', async () => {
    const refused = await call(server(), 'GET', '/healthcheck', { headers: { 'x-much': 'x'.repeat(200_000) } })
    expect(refused.json).toEqual({ message: 'request headers are larger than 131072 bytes in all' })
  })
})
