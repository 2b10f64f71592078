/**
 * Peak memory of a server that takes and gives one large object, on Postgres and a local disk. `npx bun bench/memory.ts [bytes]`,
 * 2 GiB when absent; needs twice that on the disk of the temporary folder, and Linux (VmHWM). Exits with 1 above 200 MiB.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { basic, call, type Target } from '../test/support/http.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { type RunningServer, type Runtime, startServer } from '../test/support/server.ts'

const MIB = 1024 ** 2
const LIMIT_MIB = 200
const sizeBytes = Number(process.argv[2] ?? 2048 * MIB)
const block = randomBytes(MIB)

/** Peak resident memory of a process since its start, in MiB. */
function peakMib(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Sends the object, with its length or in chunks; answers its MD5. */
function upload(target: Target, path: string, chunked: boolean): Promise<string> {
  const hash = createHash('md5')
  return new Promise((resolve, reject) => {
    const sending = request(
      `${target.baseUrl}/api/v1${path}`,
      {
        method: 'POST',
        headers: {
          authorization: basic(target),
          'content-type': 'application/octet-stream',
          ...(chunked ? {} : { 'content-length': sizeBytes }),
        },
      },
      (response) => {
        response.resume()
        response.on('end', () =>
          response.statusCode === 201
            ? resolve(hash.digest('hex'))
            : reject(new Error(`upload: ${response.statusCode}`)),
        )
      },
    )
    sending.on('error', reject)
    let sent = 0
    const send = (): void => {
      while (sent < sizeBytes) {
        const bytes = block.subarray(0, Math.min(MIB, sizeBytes - sent))
        sent += bytes.length
        hash.update(bytes)
        if (!sending.write(bytes)) return void sending.once('drain', send)
      }
      sending.end()
    }
    send()
  })
}

/** Reads the object without keeping it; answers its MD5. */
async function download(target: Target, path: string): Promise<string> {
  const hash = createHash('md5')
  const response = await fetch(`${target.baseUrl}/api/v1${path}`, { headers: { authorization: basic(target) } })
  if (response.status !== 200 || response.body === null) throw new Error(`download: ${response.status}`)
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return hash.digest('hex')
    hash.update(value)
  }
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ result: Result; mibPerSecond: number }> {
  const startedMs = performance.now()
  const result = await work()
  return { result, mibPerSecond: sizeBytes / MIB / ((performance.now() - startedMs) / 1000) }
}

async function measure(runtime: Runtime, server: RunningServer): Promise<number> {
  const made = await call(server, 'POST', '/repositories', {
    json: { name: 'memory', storage_id: 'lake-a', storage_namespace: 'local://memory' },
  })
  if (made.status !== 201) throw new Error(made.bytes.toString())
  const say = (what: string, mibPerSecond: number) =>
    console.log(
      `${runtime}: ${what}: ${mibPerSecond.toFixed(0)} MiB/s, peak so far ${peakMib(server.pid).toFixed(0)} MiB`,
    )
  console.log(`${runtime}: before: peak ${peakMib(server.pid).toFixed(0)} MiB`)
  for (const chunked of [false, true]) {
    const name = chunked ? 'chunked' : 'with its length'
    const path = `objects?path=${chunked ? 'chunked' : 'sized'}`
    const up = await timed(() => upload(server, `/repositories/memory/branches/main/${path}`, chunked))
    say(`upload ${name}`, up.mibPerSecond)
    const down = await timed(() => download(server, `/repositories/memory/refs/main/${path}`))
    say(`download of it`, down.mibPerSecond)
    if (down.result !== up.result) throw new Error('other bytes came back')
  }
  return peakMib(server.pid)
}

for (const runtime of ['bun', 'node'] as const) {
  const server = await startServer({ runtime, databaseUrl: await createDatabase() })
  try {
    const peak = await measure(runtime, server)
    console.log(`${runtime}: peak ${peak.toFixed(0)} MiB (limit ${LIMIT_MIB})`)
    if (peak > LIMIT_MIB) process.exitCode = 1
  } finally {
    await server.stop()
  }
}
await stopPostgres()
