/** The thread on Bun and Node, on the embedded database and on Postgres, on every type of storage that there is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { type RunningServer, type Runtime, startServer } from '../support/server.ts'
import { describeThread } from './thread.ts'

const runtimes: readonly { runtime: Runtime; database: 'embedded' | 'postgres' }[] = [
  { runtime: 'bun', database: 'embedded' },
  { runtime: 'bun', database: 'postgres' },
  { runtime: 'node', database: 'embedded' },
  { runtime: 'node', database: 'postgres' },
]

describe.each(runtimes)('the thread on $runtime with the $database database', ({ runtime, database }) => {
  let server: RunningServer | undefined
  let folder: string | undefined
  let s3: S3Server | undefined
  const target = () => {
    if (server === undefined) throw new Error('the server is there once the first hook ran')
    return server
  }

  beforeAll(async () => {
    s3 = await startS3Server()
    folder = mkdtempSync(join(tmpdir(), 'interlaken-thread-'))
    const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
    server = await startServer({
      runtime,
      ...(database === 'embedded' ? {} : { databaseUrl: await createDatabase() }),
      stores: [
        { id: 'disk', type: 'local', backward_compatible: true, local: { path: join(folder, 'disk') } },
        { id: 'bucket', type: 's3', s3: { endpoint: s3.endpoint, force_path_style: true, credentials } },
        { id: 'memory', type: 'mem' },
        { id: 'cloud', type: 'gs' },
      ],
    })
  })
  afterAll(async () => {
    await server?.stop()
    await s3?.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  describeThread('on a local disk', target, () => ({ id: 'disk', namespace: 'local://thread' }))
  describeThread('on the default storage', target, () => ({ id: null, namespace: 'local://default' }))
  describeThread('in an S3 bucket', target, () => ({ id: 'bucket', namespace: 's3://lake/thread' }))
  describeThread('in memory', target, () => ({ id: 'memory', namespace: 'mem://thread' }))
})
