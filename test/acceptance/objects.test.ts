/** Operations on objects on Bun, on the embedded database and on Postgres, on storages that presign and that do not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { describeObjects } from './objects.ts'

describe.each(['embedded', 'postgres'] as const)('objects with the %s database', (database) => {
  let server: RunningServer | undefined
  let folder: string | undefined
  let s3: S3Server | undefined
  const target = () => {
    if (server === undefined) throw new Error('the server is there once the first hook ran')
    return server
  }

  beforeAll(async () => {
    s3 = await startS3Server()
    folder = mkdtempSync(join(tmpdir(), 'interlaken-objects-'))
    const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
    server = await startServer({
      runtime: 'bun',
      ...(database === 'embedded' ? {} : { databaseUrl: await createDatabase() }),
      stores: [
        { id: 'disk', type: 'local', backward_compatible: true, local: { path: join(folder, 'disk') } },
        { id: 'bucket', type: 's3', s3: { endpoint: s3.endpoint, force_path_style: true, credentials } },
        { id: 'memory', type: 'mem' },
      ],
    })
  })
  afterAll(async () => {
    await server?.stop()
    await s3?.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  describeObjects('on a local disk', target, { id: 'disk', namespace: 'local://objects', presigns: false })
  describeObjects('in an S3 bucket', target, { id: 'bucket', namespace: 's3://lake/objects', presigns: true })
  describeObjects('in memory', target, { id: 'memory', namespace: 'mem://objects', presigns: false })
})
