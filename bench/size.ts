/**
 * Whether reading costs more in a larger repository: a listing of 1,000, of 50 common prefixes and a stat at random places in
 * repositories of 10,000, 1 million and 10 million entries, whose ranges are written directly. `bun bench/size.ts [entries…]`; needs
 * 170 bytes of the temporary folder's disk for each entry, and Linux. One caller on Bun and Postgres, a server of its own for each line.
 * *Cold*: places never read before, by a server that is warm otherwise and files that the system has in memory; *warm*: the same places
 * again, four times.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeEntry } from '../src/committed/entry.ts'
import { commitId } from '../src/committed/identity.ts'
import { defaultRangePolicy } from '../src/committed/range-policy.ts'
import { TreeWriter } from '../src/committed/tree-writer.ts'
import { createPgDb } from '../src/db/pg-client.ts'
import type { BranchName, MetaRangeId, RepositoryName } from '../src/model.ts'
import { createBranch } from '../src/refs/branches.ts'
import { insertCommit } from '../src/refs/commits.ts'
import { getRepository } from '../src/refs/repositories.ts'
import { basic, call } from '../test/support/http.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { type RunningServer, startServer } from '../test/support/server.ts'

const given = process.argv.slice(2).map(Number)
const sizes = given.length > 0 ? given : [10_000, 1_000_000, 10_000_000]
const COLD = 400
/** Entries of the repository that only makes the server warm. */
const WARM_UP = 8000
const WARM_ROUNDS = 4
const PER_FOLDER = 100
const PREFIXES = 50
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

const folderOf = (i: number) => `table/day=${String(Math.floor(i / PER_FOLDER)).padStart(6, '0')}/`
const pathOf = (i: number) => `${folderOf(i)}part-${String(i).padStart(9, '0')}.parquet`

/** Records that the entries have in turn: more than a block holds. Making one for each would take longer than all the rest. */
const records = Array.from({ length: 4096 }, (_, at) => {
  const hex = ((at * 2654435761) % 2 ** 32).toString(16).padStart(8, '0')
  return encodeEntry({
    address: `data/ft5a1tpksdu8momt5080/dc2642pks${hex}k0`,
    addressType: 'relative',
    lastModified: { seconds: 1_700_000_000 + at, nanos: 0 },
    sizeBytes: 1000 + at,
    eTag: hex.repeat(4),
    metadata: {},
    contentType: 'application/octet-stream',
  })
})

/** Writes the tree into the namespace's folder. */
async function writeRanges(folder: string, count: number): Promise<MetaRangeId> {
  mkdirSync(folder, { recursive: true })
  const refuse = (): never => {
    throw new Error('written only')
  }
  const write = async (id: string, bytes: Uint8Array) => writeFileSync(join(folder, id), bytes)
  const store = { space: 'bench', readTail: refuse, read: refuse, write }
  const writer = new TreeWriter({ policy: defaultRangePolicy, store })
  for (let at = 0; at < count; at++) {
    const key = Buffer.from(pathOf(at))
    const record = records[at % records.length] ?? refuse()
    const room = writer.add(key, 0, key.length, record, 0, record.length)
    if (room !== undefined) await room
  }
  return writer.finish()
}

/** A repository with one commit of `count` entries on the branch `big`. */
async function makeRepository(server: RunningServer, disk: string, databaseUrl: string, count: number): Promise<void> {
  const name = `size-${count}`
  const made = await call(server, 'POST', '/repositories', { json: { name, storage_namespace: `local://${name}` } })
  if (made.status !== 201) throw new Error(made.bytes.toString())
  const metaRangeId = await writeRanges(join(disk, name, '_lakefs'), count)
  const db = createPgDb({ connectionString: databaseUrl })
  const { repository } = await getRepository(db, name as RepositoryName)
  const content = {
    committer: 'bench',
    message: `${count} entries`,
    metadata: {},
    metaRangeId,
    creationDate: { seconds: 1_700_000_000, nanos: 0 },
    parents: [],
  }
  const commit = { ...content, id: commitId(content), version: 1, generation: 1 }
  await insertCommit(db, repository.uid, commit)
  await createBranch(db, repository.uid, 'big' as BranchName, commit.id, { hidden: false })
  await db.close()
}

function get(server: RunningServer, path: string): Promise<void> {
  const { hostname, port } = new URL(server.baseUrl)
  const headers = { authorization: basic(server) }
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, path: `/api/v1${path}`, headers }, (answer) => {
      answer.resume()
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`${path}: ${answer.statusCode}`)),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** CPU time of a process so far in milliseconds; the kernel counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

async function measure(server: RunningServer, paths: readonly string[]): Promise<string> {
  const times: number[] = []
  const before = cpuMs(server.pid)
  for (const path of paths) {
    const started = performance.now()
    await get(server, path)
    times.push(performance.now() - started)
  }
  const cpu = (cpuMs(server.pid) - before) / paths.length
  const at = (share: number) =>
    times.sort((left, right) => left - right)[Math.floor(times.length * share)] ?? Number.NaN
  return `p50 ${at(0.5).toFixed(2)} ms  p95 ${at(0.95).toFixed(2)} ms  cpu ${cpu.toFixed(2)} ms`
}

const operations: Record<string, (refs: string, count: number, random: () => number) => string> = {
  'listing of 1,000': (refs, count, random) =>
    `${refs}/objects/ls?amount=1000&after=${encodeURIComponent(pathOf(Math.floor(random() * (count - 1000))))}`,
  '50 prefixes': (refs, count, random) =>
    `${refs}/objects/ls?amount=${PREFIXES}&delimiter=/&prefix=table/&after=${folderOf(Math.floor(random() * (count - PREFIXES * PER_FOLDER)))}`,
  stat: (refs, count, random) =>
    `${refs}/objects/stat?path=${encodeURIComponent(pathOf(Math.floor(random() * count)))}`,
}

const folder = mkdtempSync(join(tmpdir(), 'interlaken-size-'))
const disk = join(folder, 'disk')
const databaseUrl = await createDatabase()
const options = {
  runtime: 'bun' as const,
  databaseUrl,
  dataDirectory: join(folder, 'data'),
  stores: [{ id: 'disk', type: 'local', backward_compatible: true, local: { path: disk } }],
}
let server = await startServer(options)
const { accessKeyId, secretAccessKey } = server
try {
  for (const count of [WARM_UP, ...sizes]) {
    const started = performance.now()
    await makeRepository(server, disk, databaseUrl, count)
    console.log(`${count} entries written in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  }
  for (const count of sizes) {
    for (const [title, operation] of Object.entries(operations)) {
      await server.stop()
      server = await startServer({ ...options, credentials: { accessKeyId, secretAccessKey } })
      const pathsIn = (entries: number) =>
        Array.from({ length: COLD }, () => operation(`/repositories/size-${entries}/refs/big`, entries, Math.random))
      await measure(server, pathsIn(WARM_UP))
      const before = residentMib(server.pid)
      const paths = pathsIn(count)
      const cold = await measure(server, paths)
      const warm = await measure(server, Array.from({ length: WARM_ROUNDS }, () => paths).flat())
      const memory = `${before.toFixed(0)} -> ${residentMib(server.pid).toFixed(0)} MiB`
      console.log(
        `${String(count).padStart(9)}  ${title.padEnd(16)}  cold: ${cold}   warm: ${warm}   memory: ${memory}`,
      )
    }
  }
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
  await stopPostgres()
}
process.exit(0)
