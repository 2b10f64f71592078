/**
 * Commits of one branch against each other: committers and 16 writers through two servers on one Postgres, beside one commit of many
 * entries. `bun bench/contention.ts [seconds] [entries of the large one]`. Prints commits a second, how long a commit took, what became
 * of it, whether every acknowledged entry and commit is there, and how many trees were built. Exits with 1 when something is missing or
 * refused.
 */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { basic, call, type Target, uniqueName } from '../test/support/http.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { startServer } from '../test/support/server.ts'

const seconds = Number(process.argv[2] ?? 5)
const large = Number(process.argv[3] ?? 50_000)
const WRITERS = 16
const agent = new Agent({ keepAlive: true })

interface Outcome {
  readonly status: number
  readonly text: string
}

function send(target: Target, method: string, path: string, json: unknown): Promise<Outcome> {
  const body = JSON.stringify(json)
  const { hostname, port } = new URL(target.baseUrl)
  const headers = {
    authorization: basic(target),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, path: `/api/v1${path}`, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function measure(servers: readonly Target[], committers: number): Promise<void> {
  const name = uniqueName('contended')
  const R = `/repositories/${name}`
  const at = (n: number): Target => servers[n % servers.length] ?? fail('no server')
  await call(at(0), 'POST', '/repositories', { json: { name, storage_namespace: `local://${name}` } })
  let staged = 0
  const stage = async (n: number, path: string) => {
    const entry = { physical_address: `local://${name}/data/${path}`, checksum: 'c', size_bytes: 1 }
    const { status, text } = await send(at(n), 'PUT', `${R}/branches/main/objects?path=${path}`, entry)
    if (status !== 201) fail(`staging: ${status} ${text}`)
    staged++
  }
  await Promise.all(
    Array.from({ length: 64 }, async (_, caller) => {
      for (let n = caller; n < large; n += 64) await stage(caller, `large/${n}`)
    }),
  )
  const commits = new Set<string>()
  const times: number[] = []
  let unchanged = 0
  let refused = 0
  const commit = async (n: number): Promise<number> => {
    const started = performance.now()
    const { status, text } = await send(at(n), 'POST', `${R}/branches/main/commits`, { message: `by ${n}` })
    const took = performance.now() - started
    if (status === 201) commits.add((JSON.parse(text) as { id: string }).id)
    else if (status === 400 && text.includes('no changes')) unchanged++
    else {
      refused++
      console.log(`refused: ${status} ${text}`)
    }
    return took
  }
  const started = performance.now()
  const deadline = started + seconds * 1000
  const longCommit = commit(0)
  await Promise.all([
    longCommit,
    ...Array.from({ length: WRITERS }, async (_, writer) => {
      for (let n = 0; performance.now() < deadline; n++) await stage(writer, `w/${writer}/${n}`)
    }),
    ...Array.from({ length: committers }, async (_, n) => {
      while (performance.now() < deadline) times.push(await commit(n))
    }),
  ])
  const elapsed = (performance.now() - started) / 1000
  await commit(0)
  const there = await count(at(1), `${R}/refs/main@/objects/ls?amount=1000`)
  const logged = await count(at(1), `${R}/refs/main/commits?amount=1000`)
  times.sort((left, right) => left - right)
  const share = (part: number) => `${Math.round(times[Math.floor((times.length - 1) * part)] ?? 0)} ms`
  console.log(
    `${committers} committers: ${(commits.size / elapsed).toFixed(1)} commits/s, ${unchanged} without changes, ${refused} refused; p50 ${share(0.5)}, p99 ${share(0.99)}, worst ${share(1)}; the one of ${large}: ${Math.round(await longCommit)} ms; ${there} of ${staged} entries, ${logged - 1} of ${commits.size} commits there`,
  )
  if (refused > 0 || there !== staged || logged - 1 !== commits.size) process.exitCode = 1
}

/** Everything that a paged listing has. */
async function count(target: Target, path: string): Promise<number> {
  let found = 0
  for (let after = '', more = true; more; ) {
    const { json } = await call(target, 'GET', `${path}&after=${encodeURIComponent(after)}`)
    found += json.results.length
    more = json.pagination.has_more
    after = json.pagination.next_offset
  }
  return found
}

function fail(message: string): never {
  throw new Error(message)
}

const databaseUrl = await createDatabase()
const entry = join(import.meta.dirname, 'contention-server.ts')
const first = await startServer({ runtime: 'bun', entry, databaseUrl })
const { accessKeyId, secretAccessKey, dataDirectory } = first
const second = await startServer({
  runtime: 'bun',
  entry,
  databaseUrl,
  dataDirectory,
  credentials: { accessKeyId, secretAccessKey },
})
for (const committers of [16, 64]) {
  await measure([first, second], committers)
}
for (const server of [second, first]) {
  await server.stop()
  console.log(/^trees built.*$/m.exec(server.output())?.[0] ?? fail('the server did not say what it built'))
}
await stopPostgres()
process.exit()
