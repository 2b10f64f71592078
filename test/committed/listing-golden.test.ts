import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeEntry, encodeEntry } from '../../src/committed/entry.ts'
import { type Listed, listPage, type Page } from '../../src/committed/list-page.ts'
import { overlay } from '../../src/committed/overlay.ts'
import type { TableReader } from '../../src/committed/table-reader.ts'
import { emptyCursor, openTree } from '../../src/committed/tree.ts'
import type { MetaRangeId } from '../../src/model.ts'
import { type Row, rowsCursor } from '../support/cursors.ts'
import { fixtureJson, type GoldenRepository, goldenRepositories } from '../support/fixtures.ts'
import { goldenMetaRange, openGolden } from '../support/golden-repository.ts'

interface Query {
  readonly prefix?: string
  readonly after?: string
  readonly delimiter?: string
  readonly amount?: number
}

interface GoldenStat {
  readonly path: string
  readonly checksum: string
  readonly content_type: string
  readonly metadata?: Record<string, string>
  readonly mtime: number
  readonly size_bytes: number
  readonly physical_address: string
}

interface GoldenListings {
  readonly entries: GoldenStat[]
  readonly listings: Record<string, number[]>
}

/** What was staged on the branch `wip`: told by its listing beside the one of its head. */
function stagedOnWip(): Row[] {
  const { entries, listings } = fixtureJson<GoldenListings>('small', 'expected/listings.json')
  const committed =
    listings[fixtureJson<{ branches: { wip: string } }>('small', 'expected/refs.json').branches.wip] ?? []
  const rows = new Map<string, Buffer | null>()
  for (const index of committed) rows.set(entries[index]?.path ?? '', null)
  for (const index of listings.wip ?? []) {
    const stat = entries[index]
    if (stat === undefined) continue
    if (committed.includes(index)) rows.delete(stat.path)
    else
      rows.set(
        stat.path,
        encodeEntry({
          address: 'data/staged',
          addressType: 'relative',
          lastModified: { seconds: stat.mtime, nanos: 0 },
          sizeBytes: stat.size_bytes,
          eTag: stat.checksum,
          metadata: stat.metadata ?? {},
          contentType: stat.content_type,
        }),
      )
  }
  return [...rows].map(([path, record]): Row => [Buffer.from(path), record]).sort(([a], [b]) => Buffer.compare(a, b))
}

async function page(reader: TableReader, id: MetaRangeId, query: Query, staged: Row[] = []): Promise<Page> {
  const tree = await openTree(reader, id)
  return listPage({
    cursor: overlay(staged.length === 0 ? emptyCursor : rowsCursor(staged, true), tree.cursor()),
    prefix: Buffer.from(query.prefix ?? ''),
    after: Buffer.from(query.after ?? ''),
    delimiter: Buffer.from(query.delimiter ?? ''),
    amount: query.amount ?? 1000,
  })
}

async function listAll(reader: TableReader, id: MetaRangeId): Promise<Listed[]> {
  const tree = await openTree(reader, id)
  const results: Listed[] = []
  let after: Buffer = Buffer.alloc(0)
  for (;;) {
    const { results: more, hasMore } = await listPage({
      cursor: tree.cursor(),
      prefix: Buffer.alloc(0),
      after,
      delimiter: Buffer.alloc(0),
      amount: 1000,
    })
    results.push(...more)
    if (!hasMore) return results
    after = more.at(-1)?.key ?? after
  }
}

/** A result as the fixtures tell it. */
function told(listed: Listed): Record<string, unknown> {
  const path = listed.key.toString()
  if (listed.kind === 'common_prefix') return { path, kind: listed.kind }
  const entry = decodeEntry(listed.value)
  return { path, kind: listed.kind, checksum: entry.eTag, size: entry.sizeBytes, mtime: entry.lastModified.seconds }
}

interface GoldenPage {
  readonly ref?: string
  readonly commit?: string
  readonly query: Query
  readonly status?: number
  readonly results?: readonly (readonly [string, string] | readonly [string, string, number, number])[]
  readonly pagination?: { readonly has_more: boolean; readonly next_offset: string }
}

describe.each(goldenRepositories)('pages of %s', (name) => {
  const pages = fixtureJson<GoldenPage[]>(name, 'expected/pages.json').filter(
    (golden) => (golden.status ?? 200) === 200,
  )

  test('there are pages', () => expect(pages.length).toBeGreaterThan(15))

  test.each(pages.map((golden) => [JSON.stringify([golden.ref ?? golden.commit, golden.query]), golden] as const))(
    '%s',
    async (_, golden) => {
      const { reader } = openGolden(name)
      const id = goldenMetaRange(name, golden.ref ?? golden.commit ?? '')
      // 0 and below mean the most there may be, as on the wire.
      const query = (golden.query.amount ?? 1) < 1 ? { ...golden.query, amount: 1000 } : golden.query
      const { results, hasMore, resume } = await page(reader, id, query, golden.ref === 'wip' ? stagedOnWip() : [])
      const expected = (golden.results ?? []).map((row) =>
        row.length === 2
          ? { path: row[1], kind: row[0] }
          : { path: row[0], kind: 'object', checksum: row[1], size: row[2], mtime: row[3] },
      )
      expect(
        results
          .map(told)
          .map((row, i) =>
            expected[i] !== undefined && 'size' in expected[i] ? row : { path: row.path, kind: row.kind },
          ),
      ).toEqual(expected)
      expect(hasMore).toBe(golden.pagination?.has_more)
      expect(resume).toBe(golden.pagination?.next_offset)
    },
  )
})

test('the staged leftovers are told', () => expect(stagedOnWip().length).toBeGreaterThan(2))

test('whole listings of small', async () => {
  const { entries, listings } = fixtureJson<GoldenListings>('small', 'expected/listings.json')
  const { reader } = openGolden('small')
  let compared = 0
  for (const [ref, indexes] of Object.entries(listings)) {
    // A listing of this branch shows its staged changes; its head's is there too.
    if (ref === 'wip') continue
    const results = await listAll(reader, goldenMetaRange('small', ref))
    const stats = results.map((listed) => {
      const entry = decodeEntry(listed.kind === 'object' ? listed.value : Buffer.alloc(0))
      return {
        path: listed.key.toString(),
        checksum: entry.eTag,
        content_type: entry.contentType === '' ? 'application/octet-stream' : entry.contentType,
        metadata: entry.metadata,
        mtime: entry.lastModified.seconds,
        size_bytes: entry.sizeBytes,
        address: entry.addressType === 'relative' ? `local://{store}/small/${entry.address}` : null,
      }
    })
    const expected = indexes.map((i, at) => {
      const golden = entries[i]
      return {
        path: golden?.path,
        checksum: golden?.checksum,
        content_type: golden?.content_type,
        metadata: golden?.metadata ?? {},
        mtime: golden?.mtime,
        size_bytes: golden?.size_bytes,
        address: stats[at]?.address === null ? null : golden?.physical_address,
      }
    })
    expect(stats, ref).toEqual(expected)
    compared++
  }
  expect(compared).toBeGreaterThan(45)
})

test.each(['big', 'tuned'] as const)('digests of whole listings of %s', async (name: GoldenRepository) => {
  const { commits } = fixtureJson<{ commits: Record<string, { count: number; sha256: string }> }>(
    name,
    'expected/listing-digests.json',
  )
  const { reader } = openGolden(name)
  for (const [commit, golden] of Object.entries(commits)) {
    const hash = createHash('sha256')
    const results = await listAll(reader, goldenMetaRange(name, commit))
    for (const listed of results) {
      if (listed.kind !== 'object') throw new Error('a listing without delimiter has objects only')
      const entry = decodeEntry(listed.value)
      hash.update(listed.key).update(`\t${entry.eTag}\t${entry.sizeBytes}\n`)
    }
    expect(results.length).toBe(golden.count)
    expect(hash.digest('hex')).toBe(golden.sha256)
  }
})

test('one page costs a few reads, a lookup two and then none', async () => {
  const { reader, store } = openGolden('big')
  const id = goldenMetaRange('big', 'zz')
  await openTree(reader, id)
  store.reads = 0
  const first = await page(reader, id, { after: 'hot/2f/', amount: 1000 })
  expect(first.results.length).toBe(1000)
  expect(store.reads).toBeLessThanOrEqual(4)
  expect(store.readBytes).toBeLessThan(900_000)
  const fresh = openGolden('big')
  const tree = await openTree(fresh.reader, id)
  const path = first.results[500]?.key ?? Buffer.alloc(0)
  fresh.store.reads = 0
  expect(await tree.lookup(path)).not.toBeNull()
  expect(fresh.store.reads).toBe(2)
  expect(tree.lookup(path)).toBeInstanceOf(Buffer)
  expect(fresh.store.reads).toBe(2)
})
