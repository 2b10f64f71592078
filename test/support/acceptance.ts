/** Servers for the tests of a `describe` block: started before them, stopped after them, with everything that they stand on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { createDatabase, stopPostgres } from './postgres.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from './s3-server.ts'
import { type RunningServer, type Runtime, type ServerOptions, startServer } from './server.ts'

type Stores = NonNullable<ServerOptions['stores']>

export interface WantedServers {
  /** Bun unless given. */
  readonly runtime?: Runtime
  readonly database: 'embedded' | 'postgres'
  /** Servers on the same Postgres and data folder; one unless given. */
  readonly count?: number
  /** In place of the two local storages; `folder` is empty and removed in the end, `s3` has the bucket `lake`. */
  readonly stores?: (folder: string, s3: S3Server) => Stores
  readonly environment?: Readonly<Record<string, string>>
}

/** What the block's hooks and tests ask for; nothing is there before the first hook ran. */
export interface UsedServers {
  server(): RunningServer
  servers(): readonly RunningServer[]
  /** The folder that `stores` was called with. */
  folder(): string
}

/** Call it in a `describe` block, before what uses it. */
export function useServers({ runtime = 'bun', database, count = 1, stores, environment }: WantedServers): UsedServers {
  const running: RunningServer[] = []
  let folder: string | undefined
  let s3: S3Server | undefined

  beforeAll(async () => {
    let options: ServerOptions = { runtime, ...(environment === undefined ? {} : { environment }) }
    if (database === 'postgres') options = { ...options, databaseUrl: await createDatabase() }
    if (stores !== undefined) {
      folder = mkdtempSync(join(tmpdir(), 'interlaken-acceptance-'))
      s3 = await startS3Server()
      options = { ...options, stores: stores(folder, s3) }
    }
    const first = await startServer(options)
    running.push(first)
    const { accessKeyId, secretAccessKey, dataDirectory } = first
    const shared = { ...options, credentials: { accessKeyId, secretAccessKey }, dataDirectory }
    while (running.length < count) running.push(await startServer(shared))
  })
  afterAll(async () => {
    for (const server of running.reverse()) await server.stop()
    await s3?.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  return {
    server: () => there(running[0]),
    servers: () => running,
    folder: () => there(folder),
  }
}

/** A local disk (the default), an S3 bucket and memory, by the ids `disk`, `bucket` and `memory`. */
export function everyStorage(folder: string, { endpoint }: S3Server): Stores {
  const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
  return [
    { id: 'disk', type: 'local', backward_compatible: true, local: { path: join(folder, 'disk') } },
    { id: 'bucket', type: 's3', s3: { endpoint, force_path_style: true, credentials } },
    { id: 'memory', type: 'mem' },
  ]
}

function there<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('it is there once the first hook ran')
  return part
}
