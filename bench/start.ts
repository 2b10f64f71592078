/**
 * Time from the start of the process to the first 204 of the health check: a first start (creates the database) and second ones
 * (median and worst of five). `npx bun bench/start.ts`. Exits with 1 when a median second start takes longer than a second.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { type Runtime, serverCommand } from '../test/support/server.ts'

const LIMIT_MS = 1000
const SECOND_STARTS = 5
const POLL_MS = 5

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Starts, waits for the first 204, stops; answers milliseconds. */
async function start(runtime: Runtime, dataDirectory: string, databaseUrl: string | null): Promise<number> {
  const port = await freePort()
  const [command = '', ...args] = await serverCommand(runtime)
  const { DATABASE_URL: _, ...environment } = process.env
  const startedMs = performance.now()
  const child = spawn(command, [...args, '--data', dataDirectory, '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...environment, ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }) },
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  for (;;) {
    const status = await fetch(`http://127.0.0.1:${port}/api/v1/healthcheck`).then(
      (response) => response.status,
      () => null,
    )
    if (status === 204) break
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  const tookMs = performance.now() - startedMs
  child.kill('SIGTERM')
  await exited
  return tookMs
}

for (const runtime of ['bun', 'node'] as const) {
  for (const database of ['PGlite', 'Postgres'] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'interlaken-start-'))
    const databaseUrl = database === 'PGlite' ? null : await createDatabase()
    const first = await start(runtime, folder, databaseUrl)
    const later: number[] = []
    for (let count = 0; count < SECOND_STARTS; count++) later.push(await start(runtime, folder, databaseUrl))
    later.sort((left, right) => left - right)
    const median = later[SECOND_STARTS >> 1] ?? Number.NaN
    console.log(
      `${runtime} on ${database}: first ${first.toFixed(0)} ms, second ${median.toFixed(0)} ms (worst ${later.at(-1)?.toFixed(0)} ms)`,
    )
    if (median > LIMIT_MS) process.exitCode = 1
    rmSync(folder, { recursive: true, force: true })
  }
}
await stopPostgres()
