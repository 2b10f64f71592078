/** Several real servers, on Bun and Node, on one Postgres and one local storage, each with a data folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, type Runtime, startServer } from '../support/server.ts'

/** The first administrator of an installation whose servers are started at once: whoever is first makes it. */
export const administrator = { accessKeyId: 'AKIAJSEVERALSERVERSQ', secretAccessKey: 'one secret for several servers' }

export interface Installation {
  readonly databaseUrl: string
  start(runtime: Runtime, environment?: Readonly<Record<string, string>>): Promise<RunningServer>
  /** A server that makes no administrator: that is for whoever does the setup over the API. */
  startUninitialized(runtime: Runtime, encryptSecretKey: string): Promise<RunningServer>
  /** Kills what still runs and removes everything. */
  remove(): Promise<void>
}

export async function createInstallation(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-several-'))
  const databaseUrl = await createDatabase()
  const started: RunningServer[] = []
  const stores = [{ id: 'disk', type: 'local', backward_compatible: true, local: { path: join(folder, 'disk') } }]
  return {
    databaseUrl,
    async start(runtime, environment = {}) {
      const server = await startServer({
        runtime,
        databaseUrl,
        dataDirectory: mkdtempSync(join(folder, 'server-')),
        stores,
        credentials: administrator,
        environment: {
          INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'one key for all servers of this installation',
          INTERLAKEN_BLOCKSTORES_SIGNING_SECRET_KEY: 'another key for all servers of it',
          INTERLAKEN_INSTALLATION_USER_NAME: 'admin',
          INTERLAKEN_INSTALLATION_ACCESS_KEY_ID: administrator.accessKeyId,
          INTERLAKEN_INSTALLATION_SECRET_ACCESS_KEY: administrator.secretAccessKey,
          ...environment,
        },
      })
      started.push(server)
      return server
    },
    async startUninitialized(runtime, encryptSecretKey) {
      const directory = mkdtempSync(join(folder, 'server-'))
      const configFile = join(directory, 'interlaken.json')
      const signing = { secret_key: 'one key for all servers of this installation' }
      // JSON is YAML.
      writeFileSync(
        configFile,
        JSON.stringify({
          database: { type: 'postgres', postgres: { connection_string: databaseUrl } },
          auth: { encrypt: { secret_key: encryptSecretKey } },
          blockstores: { signing, stores },
        }),
      )
      const credentials = administrator
      const server = await startServer({ runtime, configFile, dataDirectory: directory, credentials })
      started.push(server)
      return server
    },
    async remove() {
      await Promise.all(started.map((server) => server.kill()))
      rmSync(folder, { recursive: true, force: true })
      await stopPostgres()
    },
  }
}
