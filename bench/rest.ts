/**
 * The REST benchmark against our own server on a fresh Postgres: run it with Bun,
 * `bun bench/rest.ts [--runtime bun|node] [--fsync] [--out FILE] [… flags of rest-harness.mjs]`. Prints the harness's lines; with
 * `bun bench/compare.mjs bench/lakefs-postgres-local.jsonl FILE` they stand beside lakeFS's figures.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { type Runtime, startServer } from '../test/support/server.ts'

const args = process.argv.slice(2)
function flag(name: string): string | undefined {
  const at = args.indexOf(`--${name}`)
  return at < 0 ? undefined : args.splice(at, 2)[1]
}
function toggle(name: string): boolean {
  const at = args.indexOf(`--${name}`)
  if (at >= 0) args.splice(at, 1)
  return at >= 0
}

const runtime = (flag('runtime') ?? 'bun') as Runtime
const out = flag('out')
const embedded = toggle('embedded')
const fsync = toggle('fsync')
const folder = mkdtempSync(join(tmpdir(), 'interlaken-bench-'))
const disk = join(folder, 'disk')
const server = await startServer({
  runtime,
  dataDirectory: join(folder, 'data'),
  stores: [{ id: 'disk', type: 'local', backward_compatible: true, local: { path: disk, fsync } }],
  ...(embedded ? {} : { databaseUrl: await createDatabase() }),
})
try {
  const harness = spawn(
    'node',
    [
      join(import.meta.dirname, 'rest-harness.mjs'),
      ...['--base', server.baseUrl, '--ak', server.accessKeyId, '--sk', server.secretAccessKey],
      ...['--ns', 'local://bench-1', '--physical', `local://${join(disk, 'bench-1')}`, '--disk', folder],
      ...['--label', `interlaken-${runtime}`, '--pid', String(server.pid), ...args],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  harness.stdout.pipe(process.stdout)
  if (out !== undefined) harness.stdout.pipe(createWriteStream(out))
  process.exitCode = await new Promise<number>((resolve) => harness.once('exit', (code) => resolve(code ?? 1)))
} finally {
  await server.stop()
  await stopPostgres()
  rmSync(folder, { recursive: true, force: true })
}
