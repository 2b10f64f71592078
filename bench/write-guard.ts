/**
 * Throughput of the staging write alone: single statements and gathered ones, 16 and 64 callers, quiet and against a branch that is
 * sealed and published all the time. `npx tsx bench/write-guard.ts [seconds]`; needs no server (embedded Postgres, PGlite).
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from '../src/db/db.ts'
import { migrate } from '../src/db/migrate.ts'
import { createPgDb } from '../src/db/pg-client.ts'
import { openPgliteDb } from '../src/db/pglite-client.ts'
import type {
  BranchName,
  Commit,
  CommitId,
  MetaRangeId,
  Repository,
  RepositoryName,
  RepositoryUid,
  StorageId,
  StorageNamespace,
} from '../src/model.ts'
import { createRepository } from '../src/refs/repositories.ts'
import { createGatheringWriter } from '../src/staging/gather.ts'
import { publishCommit } from '../src/staging/publish.ts'
import { sealBranch } from '../src/staging/seal.ts'
import { sweepRetired } from '../src/staging/sweep.ts'
import { createDirectWriter, type StageWriter } from '../src/staging/write.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'

const seconds = Number(process.argv[2] ?? 3)
/** About what an upload's record has. */
const record = randomBytes(180)

interface Result {
  readonly writesPerSecond: number
  readonly cpuMicrosPerWrite: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly commitsPerSecond: number
  readonly sealP50Ms: number
}

function commitOn(parents: readonly CommitId[]): Commit {
  return {
    id: randomBytes(32).toString('hex') as CommitId,
    committer: 'bench',
    message: '',
    creationDate: { seconds: Math.floor(Date.now() / 1000), nanos: 0 },
    metaRangeId: '' as MetaRangeId,
    metadata: {},
    parents,
    version: 1,
    generation: 1,
  }
}

async function newRepository(db: Db): Promise<Repository> {
  const uid = randomUUID() as RepositoryUid
  const repository: Repository = {
    uid,
    name: `bench-${uid}` as RepositoryName,
    storageId: '' as StorageId,
    homeStorageId: '' as StorageId,
    namespace: `mem://${uid}` as StorageNamespace,
    defaultBranch: 'main' as BranchName,
    createdAtSeconds: 0,
    readOnly: false,
    protectedBranches: [],
  }
  await createRepository(db, { repository, canonicalNamespace: ['mem', uid], initialCommit: commitOn([]) })
  return repository
}

async function measure(db: Db, writer: StageWriter, callers: number, rotating: boolean): Promise<Result> {
  const { uid, defaultBranch: branch } = await newRepository(db)
  const until = performance.now() + seconds * 1000
  const latencies: number[] = []
  const seals: number[] = []
  const write = async (caller: number) => {
    for (let n = 0; performance.now() < until; n++) {
      const started = performance.now()
      await writer.stage(uid, branch, [{ path: Buffer.from(`data/${caller}/part-${n}.parquet`), value: record }])
      latencies.push(performance.now() - started)
    }
  }
  const rotate = async () => {
    while (performance.now() < until) {
      const started = performance.now()
      const sealed = await sealBranch(db, uid, branch)
      seals.push(performance.now() - started)
      await publishCommit(db, sealed, commitOn([sealed.commitId]))
    }
  }
  const cpu = process.cpuUsage()
  await Promise.all([...Array.from({ length: callers }, (_, caller) => write(caller)), ...(rotating ? [rotate()] : [])])
  const used = process.cpuUsage(cpu)
  return {
    writesPerSecond: latencies.length / seconds,
    cpuMicrosPerWrite: (used.user + used.system) / latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    commitsPerSecond: seals.length / seconds,
    sealP50Ms: percentile(seals, 0.5),
  }
}

function percentile(values: number[], at: number): number {
  return values.sort((left, right) => left - right)[Math.floor(values.length * at)] ?? Number.NaN
}

const folder = mkdtempSync(join(tmpdir(), 'interlaken-bench-'))
const databases: [string, Db][] = [
  ['postgres', createPgDb({ connectionString: await createDatabase() })],
  ['pglite', await openPgliteDb(folder)],
]
console.log('database  writer    callers  commits  writes/s  cpu us  p50 ms  p99 ms  commits/s  seal p50 ms')
for (const [name, db] of databases) {
  await migrate(db)
  for (const callers of [16, 64]) {
    for (const rotating of [false, true]) {
      for (const [kind, writer] of [
        ['single', createDirectWriter(db)],
        ['gathered', createGatheringWriter(db)],
      ] as const) {
        const result = await measure(db, writer, callers, rotating)
        const columns = [
          name.padEnd(8),
          kind.padEnd(8),
          String(callers).padStart(7),
          (rotating ? 'yes' : 'no').padStart(7),
          result.writesPerSecond.toFixed(0).padStart(8),
          result.cpuMicrosPerWrite.toFixed(0).padStart(6),
          result.p50Ms.toFixed(2).padStart(6),
          result.p99Ms.toFixed(2).padStart(6),
          (rotating ? result.commitsPerSecond.toFixed(0) : '-').padStart(9),
          (rotating ? result.sealP50Ms.toFixed(2) : '-').padStart(11),
        ]
        console.log(columns.join('  '))
      }
    }
  }
  await sweepRetired(db)
  await db.close()
}
await stopPostgres()
rmSync(folder, { recursive: true, force: true })
