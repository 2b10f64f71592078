/**
 * What a crowded staging area costs reads, and what compaction makes of it: `npm exec bun bench/compaction.ts [rows]`. Embedded Postgres
 * and PGlite, a storage in memory, no HTTP. Prints milliseconds, the median of a few runs.
 */
import type { Catalog } from '../src/catalog/catalog.ts'
import { tablesOf } from '../src/catalog/catalog.ts'
import { commit } from '../src/catalog/commits.ts'
import { compactBranch } from '../src/catalog/compact.ts'
import { listObjects, statObject } from '../src/catalog/entries.ts'
import { writeTree } from '../src/committed/commit-tree.ts'
import { encodeEntry } from '../src/committed/entry.ts'
import { defaultRangePolicy } from '../src/committed/range-policy.ts'
import type { Db } from '../src/db/db.ts'
import { migrate } from '../src/db/migrate.ts'
import { createPgDb } from '../src/db/pg-client.ts'
import { openPgliteDb } from '../src/db/pglite-client.ts'
import { isDomainError } from '../src/errors.ts'
import type { Cursor } from '../src/model.ts'
import { insertCommit } from '../src/refs/commits.ts'
import { sealBranch } from '../src/staging/seal.ts'
import { sweepRetired } from '../src/staging/sweep.ts'
import { stageRows } from '../src/staging/write.ts'
import { anybody, catalogOver } from '../test/support/catalog.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { fakeCommit, newRepository } from '../test/support/repository.ts'

type Target = Awaited<ReturnType<typeof newRepository>>

const rows = Number(process.argv[2] ?? 1_000_000)
const leaseMs = 60_000
const none = Buffer.alloc(0)

const run = <Row extends object>(db: Db, text: string, params: readonly (string | number)[] = []) =>
  db.run<Row>({ name: '', text }, params)

function record(n: number): Buffer {
  return encodeEntry({
    address: `data/ft5a1tpksdu8momt5080/dc2642pks${n}k0`,
    addressType: 'relative',
    lastModified: { seconds: 1_700_000_000 + n, nanos: 0 },
    sizeBytes: 1000 + n,
    eTag: n.toString(16).padStart(32, '0'),
    metadata: {},
    contentType: 'application/octet-stream',
  })
}

/** `a/…` 2,000 before and `z/…` 2,000 behind a run of `t/…`. */
function* keys(run: number): Generator<string> {
  for (const [folder, count] of [
    ['a', 2000],
    ['t', run],
    ['z', 2000],
  ] as const)
    for (let n = 1; n <= count; n++) yield `${folder}/${String(n).padStart(9, '0')}`
}

function committedRecords(length: number): Cursor {
  const walk = keys(length)
  let n = 0
  const cursor = {
    key: none as Buffer,
    value: none as Buffer,
    next() {
      const { value, done } = walk.next()
      if (done === true) return false
      cursor.key = Buffer.from(value)
      cursor.value = record(n++)
      return true
    },
    seek(): never {
      throw new Error('written from the first to the last')
    },
  }
  return cursor
}

async function median(runs: number, work: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let at = 0; at < runs; at++) {
    const startedMs = performance.now()
    await work()
    times.push(performance.now() - startedMs)
  }
  const middle = times.sort((left, right) => left - right)[Math.floor(runs / 2)] ?? 0
  return middle.toFixed(middle < 10 ? 2 : 0)
}

async function reads(title: string, catalog: Catalog, { name }: Target, runs = 5): Promise<void> {
  const list = (prefix: string, after = '') =>
    listObjects(catalog, anybody, name, 'main', {
      prefix: Buffer.from(prefix),
      after: Buffer.from(after),
      delimiter: none,
      amount: 1000,
    })
  const stat = async () => {
    try {
      await statObject(catalog, anybody, name, 'main', Buffer.from('z/000000001'))
    } catch (error) {
      if (!isDomainError(error, 'entry_not_found')) throw error
    }
  }
  const figures = {
    stat: await median(200, stat),
    first: await median(runs, () => list('')),
    'before the run': await median(runs, () => list('', 'a/000001500')),
    'inside it': await median(runs, () => list('t/')),
    behind: await median(runs, () => list('z/')),
  }
  console.log(
    title.padEnd(40),
    Object.entries(figures)
      .map(([what, ms]) => `${what} ${ms}`)
      .join(', '),
  )
}

async function prepare(db: Db, length: number): Promise<{ catalog: Catalog; target: Target }> {
  const plain = catalogOver(db)
  const catalog = { ...plain, options: { ...plain.options, rangePolicy: defaultRangePolicy } }
  const target = await newRepository(db)
  const metaRangeId = await writeTree(committedRecords(length), {
    store: tablesOf(catalog, target).store,
    policy: defaultRangePolicy,
  })
  const made = fakeCommit({ metaRangeId, parents: [target.root.id], generation: 2 })
  await insertCommit(db, target.uid, made)
  await run(db, 'UPDATE refs SET commit_id = $2 WHERE repo_uid = $1::uuid', [target.uid, made.id])
  return { catalog, target }
}

async function compact(catalog: Catalog, target: Target): Promise<void> {
  const startedMs = performance.now()
  const done = await compactBranch(catalog, target, target.main, { leaseMs })
  console.log(`compaction (${done})`.padEnd(40), `${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
}

async function tombstones(db: Db): Promise<void> {
  const { catalog, target } = await prepare(db, rows)
  await reads('committed, nothing staged', catalog, target)
  await run(
    db,
    `INSERT INTO staged (token, path, rec) SELECT token, convert_to('t/' || lpad(n::text, 9, '0'), 'UTF8'), NULL
      FROM refs CROSS JOIN generate_series(1, $2::int4) n WHERE repo_uid = $1::uuid`,
    [target.uid, rows],
  )
  await reads(`${rows} staged tombstones`, catalog, target, 3)
  await compact(catalog, target)
  await reads('after compaction', catalog, target)
}

async function sealedTokens(db: Db): Promise<void> {
  const { catalog, target } = await prepare(db, 10_000)
  for (let token = 0; token < 200; token++) {
    const changes = Array.from({ length: 50 }, (_, n) => ({
      path: Buffer.from(`a/${String(1 + ((token * 50 + n) % 2000)).padStart(9, '0')}`),
      value: record(10_000 + token),
    }))
    await stageRows(db, target.uid, target.main, changes)
    await sealBranch(db, target.uid, target.main)
    if (token === 49) await reads('50 sealed tokens', catalog, target)
  }
  await reads('200 sealed tokens', catalog, target)
  await compact(catalog, target)
  await reads('after compaction', catalog, target)
}

/** A thousand commits of 50 writes each, with the sweeps that would have come between them. */
async function months(db: Db): Promise<void> {
  const { catalog, target } = await prepare(db, 10_000)
  const request = {
    message: '',
    metadata: {},
    committer: '',
    dateSeconds: null,
    sourceTree: null,
    allowEmpty: false,
    force: false,
  }
  const sizes = async (title: string) => {
    const [row] = await run<{ rows: string; bytes: string }>(
      db,
      `SELECT (SELECT count(*) FROM staged)::text AS rows, pg_total_relation_size('staged')::text AS bytes`,
    )
    console.log(title.padEnd(40), `${row?.rows} rows, ${(Number(row?.bytes) / 2 ** 20).toFixed(1)} MiB`)
  }
  await run(db, 'TRUNCATE staged')
  await reads('before a thousand commits', catalog, target)
  for (let round = 0; round < 1000; round++) {
    const changes = Array.from({ length: 50 }, (_, n) => ({
      path: Buffer.from(`a/${String(1 + ((round * 50 + n) % 2000)).padStart(9, '0')}`),
      value: record(20_000 + round),
    }))
    await stageRows(db, target.uid, target.main, changes)
    await commit(catalog, anybody, { ...request, repository: target.name, branch: 'main' })
    if (round % 100 !== 99) continue
    if (round === 499) await sizes('500 commits')
    await run(db, `UPDATE retired_tokens SET retired_at = now() - interval '1 hour'`)
    await sweepRetired(db, 1000)
    if (db.kind === 'pglite') await run(db, 'VACUUM staged')
  }
  await sizes('1,000 commits, swept')
  await reads('1,000 commits, swept', catalog, target)
}

async function measure(title: string, db: Db): Promise<void> {
  console.log(`\n${title}`)
  await migrate(db)
  await tombstones(db)
  await sealedTokens(db)
  await months(db)
  await db.close()
}

await measure('Postgres', createPgDb({ connectionString: await createDatabase() }))
await stopPostgres()
await measure('PGlite', await openPgliteDb(null))
