/**
 * Where the server's CPU time goes, operation by operation: `bun bench/profile.ts [put|stage|stat|get|commit]…` runs each on a fresh
 * server under Bun's sampling profiler and prints the share of each part of the house, by self time.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call, type Target } from '../test/support/http.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { startServer } from '../test/support/server.ts'

const CALLERS = 16
const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
const R = '/repositories/profile'
const path = (n: number) => encodeURIComponent(`data/p=${n % 100}/f-${n}`)

function send(target: Target, method: string, url: string, body: Buffer | null, type: string): Promise<void> {
  const { hostname, port } = new URL(target.baseUrl)
  const authorization = `Basic ${btoa(`${target.accessKeyId}:${target.secretAccessKey}`)}`
  const length = body === null ? {} : { 'content-type': type, 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const sent = request(
      { agent, hostname, port, method, path: `/api/v1${url}`, headers: { authorization, ...length } },
      (answer) => {
        answer.resume()
        answer.on('end', () =>
          answer.statusCode !== undefined && answer.statusCode < 300
            ? resolve()
            : reject(new Error(`${method} ${url}: ${answer.statusCode}`)),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

async function each(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (let n = next++; n < count; n = next++) await work(n)
    }),
  )
}

const small = Buffer.alloc(1024, 'x')
const put = (target: Target, n: number) =>
  send(target, 'POST', `${R}/branches/main/objects?path=${path(n)}`, small, 'application/octet-stream')
const stage = (target: Target, n: number) => {
  const entry = { physical_address: `local://profile/data/p/${n}`, checksum: String(n), size_bytes: n }
  return send(
    target,
    'PUT',
    `${R}/branches/main/objects?path=${path(n)}`,
    Buffer.from(JSON.stringify(entry)),
    'application/json',
  )
}
const commit = (target: Target) => call(target, 'POST', `${R}/branches/main/commits`, { json: { message: 'all' } })

/** Each operation often enough to drown what prepares it. */
const loads: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  put: (target) => each(20_000, (n) => put(target, n)),
  stage: (target) => each(40_000, (n) => stage(target, n)),
  async stat(target) {
    await each(2000, (n) => stage(target, n))
    await commit(target)
    await each(60_000, (n) => send(target, 'GET', `${R}/refs/main/objects/stat?path=${path(n % 2000)}`, null, ''))
  },
  async get(target) {
    await each(1000, (n) => put(target, n))
    await commit(target)
    await each(40_000, (n) => send(target, 'GET', `${R}/refs/main/objects?path=${path(n % 1000)}`, null, ''))
  },
  async commit(target) {
    for (let round = 0; round < 40; round++) {
      await stage(target, round)
      if (round === 0) await each(50_000, (n) => stage(target, n))
      await commit(target)
    }
  },
}

const PARTS: readonly (readonly [RegExp, string])[] = [
  [/node_modules\/(pg|pg-.*|postgres.*)\//, 'pg driver'],
  [/node_modules\/hono\//, 'hono'],
  [/src\/(\w+)\//, 'src/$1'],
  [/adapters\//, 'adapters'],
  [/src\/bun\.ts|src\/app\.ts/, 'entry'],
]
const NATIVE: readonly (readonly [RegExp, string])[] = [
  [/^writeBuffered|^writev?$|^resume|^emit|^read$/, 'sockets (native)'],
  [/Sync$/, 'file system (native)'],
  [/^update$|^digest$|^Hash/, 'hashing (native)'],
]

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

function partOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string {
  for (const [pattern, part] of PARTS) {
    const found = pattern.exec(url)
    if (found !== null) return part.replace('$1', found[1] ?? '')
  }
  return NATIVE.find(([pattern]) => pattern.test(functionName))?.[1] ?? 'runtime (native)'
}

function shares(folder: string): string {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) return 'no profile was written'
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile
  const parts = new Map(nodes.map((node) => [node.id, partOf(node.callFrame)]))
  const times = new Map<string, number>()
  let total = 0
  samples.forEach((id, at) => {
    const time = timeDeltas[at] ?? 0
    const part = parts.get(id) ?? 'runtime (native)'
    times.set(part, (times.get(part) ?? 0) + time)
    total += time
  })
  const sorted = [...times].sort((a, b) => b[1] - a[1])
  return sorted
    .slice(0, 8)
    .map(([part, time]) => `${part} ${Math.round((100 * time) / total)} %`)
    .join(', ')
}

const wanted = process.argv.slice(2)
for (const [operation, load] of Object.entries(loads)) {
  if (wanted.length > 0 && !wanted.includes(operation)) continue
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-profile-'))
  const server = await startServer({
    runtime: 'bun',
    dataDirectory: join(folder, 'data'),
    databaseUrl: await createDatabase(),
    stores: [
      { id: 'disk', type: 'local', backward_compatible: true, local: { path: join(folder, 'disk'), fsync: false } },
    ],
    environment: { BUN_OPTIONS: `--cpu-prof --cpu-prof-dir=${join(folder, 'profile')}` },
  })
  await call(server, 'POST', '/repositories', { json: { name: 'profile', storage_namespace: 'local://profile' } })
  await load(server)
  await server.stop()
  console.log(`${operation}: ${shares(join(folder, 'profile'))}`)
  rmSync(folder, { recursive: true, force: true })
}
await stopPostgres()
process.exit(0)
