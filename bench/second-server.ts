/**
 * Whether a second server that moves branches and changes access keys slows the first one down: `bun bench/second-server.ts [seconds a
 * measurement] [rounds] [--runtime node]`. Both servers stand on one fresh Postgres. 16 callers drive the first; for half of the
 * measurements, in turn, the second makes, writes, commits, resets and deletes branches of the same repository (20 requests a second)
 * and makes and deletes access keys (5 a second, each a new authorization version). Prints medians of rates and of CPU time of the
 * first server for each operation, and their ratios. Linux only.
 */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { basic, call, type Target } from '../test/support/http.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { type Runtime, startServer } from '../test/support/server.ts'

const args = process.argv.slice(2)
const runtimeAt = args.indexOf('--runtime')
const runtime = (runtimeAt < 0 ? 'bun' : args.splice(runtimeAt, 2)[1]) as Runtime
const seconds = Number(args[0] ?? 2)
const rounds = Number(args[1] ?? 5)
const CALLERS = 16
const OBJECTS = 2000
const R = '/repositories/bench'
const MOVE_EVERY_MS = 50
const ROTATE_EVERY_MS = 200
const agent = new Agent({ keepAlive: true })

function send(target: Target, method: string, path: string, json?: unknown): Promise<number> {
  const body = json === undefined ? '' : JSON.stringify(json)
  const { hostname, port } = new URL(target.baseUrl)
  const headers = {
    authorization: basic(target),
    ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  }
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, path: `/api/v1${path}`, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function expectStatus(expected: number, sent: Promise<number>): Promise<void> {
  const status = await sent
  if (status !== expected) throw new Error(`answered ${status}, not ${expected}`)
}

const entry = (path: string) => ({ physical_address: `local://bench/data/${path}`, checksum: 'c', size_bytes: 1024 })
const random = () => Math.floor(Math.random() * OBJECTS)
let made = 0

/** One request to the first server, by title. */
const operations: Record<string, (target: Target) => Promise<void>> = {
  'stat, staged': (at) => expectStatus(200, send(at, 'GET', `${R}/refs/main/objects/stat?path=staged/${random()}`)),
  'stat, committed': (at) =>
    expectStatus(200, send(at, 'GET', `${R}/refs/main/objects/stat?path=committed/${random()}`)),
  'download of 1 KiB': (at) => expectStatus(200, send(at, 'GET', `${R}/refs/main/objects?path=file`)),
  'staging by metadata': (at) => {
    const path = `new/${random()}`
    return expectStatus(201, send(at, 'PUT', `${R}/branches/written/objects?path=${path}`, entry(path)))
  },
  'listing of 1,000': (at) =>
    expectStatus(200, send(at, 'GET', `${R}/refs/main@/objects/ls?amount=1000&after=committed/${random()}`)),
  'create branch': (at) => expectStatus(201, send(at, 'POST', `${R}/branches`, { name: `b${made++}`, source: 'main' })),
}

/** Repeats the steps in order, one each `everyMs`, until it is told to end. */
function pace(everyMs: number, steps: readonly (() => Promise<unknown>)[]): () => Promise<void> {
  let working = true
  async function work(): Promise<void> {
    let due = performance.now()
    for (let at = 0; working || at % steps.length !== 0; at++) {
      await steps[at % steps.length]?.()
      due += everyMs
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    }
  }
  const ended = work()
  return () => {
    working = false
    return ended
  }
}

function interfere(second: Target): () => Promise<void> {
  const branch = `${R}/branches/moving`
  const endMoves = pace(MOVE_EVERY_MS, [
    () => expectStatus(201, send(second, 'POST', `${R}/branches`, { name: 'moving', source: 'main' })),
    () => expectStatus(201, send(second, 'PUT', `${branch}/objects?path=x`, entry('x'))),
    () => expectStatus(201, send(second, 'POST', `${branch}/commits`, { message: 'moved' })),
    () => expectStatus(201, send(second, 'PUT', `${branch}/objects?path=y`, entry('y'))),
    () => expectStatus(204, send(second, 'PUT', branch, { type: 'reset' })),
    () => expectStatus(204, send(second, 'DELETE', branch)),
  ])
  const keys = '/auth/users/admin/credentials'
  let key = ''
  const endRotation = pace(ROTATE_EVERY_MS, [
    async () => {
      key = (await call(second, 'POST', keys)).json.access_key_id
    },
    () => expectStatus(204, send(second, 'DELETE', `${keys}/${key}`)),
  ])
  return async () => {
    await Promise.all([endMoves(), endRotation()])
  }
}

/** CPU time of a process so far in milliseconds; the kernel counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

interface Measured {
  readonly perSecond: number
  readonly cpuUs: number
}

async function drive(work: () => Promise<void>, pid: number): Promise<Measured> {
  const started = performance.now()
  const before = cpuMs(pid)
  let done = 0
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (; performance.now() - started < seconds * 1000; done++) await work()
    }),
  )
  const elapsed = (performance.now() - started) / 1000
  return { perSecond: done / elapsed, cpuUs: (1000 * (cpuMs(pid) - before)) / done }
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

const databaseUrl = await createDatabase()
const first = await startServer({ runtime, databaseUrl })
const { accessKeyId, secretAccessKey, dataDirectory } = first
const second = await startServer({
  runtime,
  databaseUrl,
  dataDirectory,
  credentials: { accessKeyId, secretAccessKey },
})
await call(first, 'POST', '/repositories', { json: { name: 'bench', storage_namespace: 'local://bench' } })
const fill = async (folder: string) => {
  for (let at = 0; at < OBJECTS; at += CALLERS)
    await Promise.all(
      Array.from({ length: CALLERS }, (_, n) => `${folder}/${at + n}`).map((path) =>
        expectStatus(201, send(first, 'PUT', `${R}/branches/main/objects?path=${path}`, entry(path))),
      ),
    )
}
await fill('committed')
await call(first, 'POST', `${R}/branches/main/objects?path=file`, { body: 'x'.repeat(1024) })
await call(first, 'POST', `${R}/branches/main/commits`, { json: { message: 'committed' } })
await fill('staged')
await call(first, 'POST', `${R}/branches`, { json: { name: 'written', source: 'main' } })
let secondCpuMs = 0
for (const [title, operation] of Object.entries(operations)) {
  const alone: Measured[] = []
  const beside: Measured[] = []
  await drive(() => operation(first), first.pid)
  for (let round = 0; round < rounds; round++) {
    alone.push(await drive(() => operation(first), first.pid))
    const end = interfere(second)
    const before = cpuMs(second.pid)
    beside.push(await drive(() => operation(first), first.pid))
    secondCpuMs += cpuMs(second.pid) - before
    await end()
  }
  const rate = (of: readonly Measured[]) => median(of.map(({ perSecond }) => perSecond))
  const cpu = (of: readonly Measured[]) => median(of.map(({ cpuUs }) => cpuUs))
  const ratio = (value: number) => value.toFixed(2)
  console.log(
    `${title.padEnd(20)} ${rate(alone).toFixed(0)}/s -> ${rate(beside).toFixed(0)}/s (${ratio(rate(beside) / rate(alone))})   cpu ${cpu(alone).toFixed(0)} us -> ${cpu(beside).toFixed(0)} us (${ratio(cpu(beside) / cpu(alone))})`,
  )
}
const measuredMs = 1000 * seconds * rounds * Object.keys(operations).length
console.log(`the second server took ${((100 * secondCpuMs) / measuredMs).toFixed(0)} % of a core`)
await second.stop()
await first.stop()
await stopPostgres()
process.exit(0)
