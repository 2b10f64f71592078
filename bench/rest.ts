/**
 * The REST benchmark against our own server on a fresh Postgres: run it with Bun,
 * `bun bench/rest.ts [--runtime bun|node] [--fsync] [--cold] [--out FILE] [… flags of rest-harness.mjs]`. A short round that is not
 * told goes first, so that the server's code is compiled; `--cold` leaves it out. Prints the harness's lines; with
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
const cold = toggle('cold')
const folder = mkdtempSync(join(tmpdir(), 'interlaken-bench-'))
const disk = join(folder, 'disk')
const server = await startServer({
  runtime,
  dataDirectory: join(folder, 'data'),
  stores: [{ id: 'disk', type: 'local', backward_compatible: true, local: { path: disk, fsync } }],
  ...(embedded ? {} : { databaseUrl: await createDatabase() }),
})
try {
  if (!cold)
    await harness('local://warm-up', ['--objects', '1000', '--stage', '3000', '--big', '16', '--n', '5000'], [])
  const told = out === undefined ? [process.stdout] : [process.stdout, createWriteStream(out)]
  process.exitCode = await harness('local://bench-1', args, told)
} finally {
  await server.stop()
  await stopPostgres()
  rmSync(folder, { recursive: true, force: true })
}

/** One round of the harness against the server; answers its exit code. */
function harness(
  namespace: string,
  flags: readonly string[],
  outputs: readonly NodeJS.WritableStream[],
): Promise<number> {
  const physical = join(disk, namespace.slice('local://'.length))
  const child = spawn(
    'node',
    [
      join(import.meta.dirname, 'rest-harness.mjs'),
      ...['--base', server.baseUrl, '--ak', server.accessKeyId, '--sk', server.secretAccessKey],
      ...['--ns', namespace, '--physical', `local://${physical}`, '--disk', folder],
      ...['--label', `interlaken-${runtime}`, '--pid', String(server.pid), ...flags],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  for (const output of outputs) child.stdout.pipe(output)
  if (outputs.length === 0) child.stdout.resume()
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}
