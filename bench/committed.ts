/**
 * What the committed room costs in this process, without a database and without a disk: `npm exec bun bench/committed.ts`, or
 * bundled by esbuild for Node. Prints milliseconds, the median of a few runs.
 */
import { Buffer } from 'node:buffer'
import { BlockCache } from '../src/committed/block-cache.ts'
import { commitTree } from '../src/committed/commit-tree.ts'
import { decodeEntry, encodeEntry } from '../src/committed/entry.ts'
import { listPage } from '../src/committed/list-page.ts'
import { overlay } from '../src/committed/overlay.ts'
import { defaultRangePolicy } from '../src/committed/range-policy.ts'
import { TableReader } from '../src/committed/table-reader.ts'
import type { TableStore } from '../src/committed/table-store.ts'
import { emptyCursor, openTree } from '../src/committed/tree.ts'
import type { Cursor, MetaRangeId } from '../src/model.ts'

const entries = 50_000
/** Only one border by hash would make one range of 50,000 the exception. */
const policy = { ...defaultRangePolicy, rangeRaggednessEntries: 2 ** 26 }

function memoryStore(): TableStore {
  const files = new Map<string, Uint8Array>()
  const file = (id: string) => files.get(id) ?? new Uint8Array()
  return {
    space: 'bench',
    async readTail(id, bytes) {
      return { bytes: file(id).slice(-bytes), totalBytes: file(id).length }
    },
    async read(id, start, end) {
      return file(id).slice(start, end)
    },
    async write(id, bytes) {
      files.set(id, bytes.slice())
    },
  }
}

function cursorOver(rows: readonly (readonly [Buffer, Buffer])[]): Cursor {
  let at = -1
  const none = Buffer.alloc(0)
  return {
    get key() {
      return rows[at]?.[0] ?? none
    },
    get value() {
      return rows[at]?.[1] ?? none
    },
    next: () => ++at < rows.length,
    seek(key) {
      at = Math.max(at, 0)
      while (at < rows.length && Buffer.compare(rows[at]?.[0] ?? none, key) < 0) at++
      return at < rows.length
    },
  }
}

function entry(i: number, revision: number) {
  const hex = ((i * 2654435761 + revision) % 2 ** 32).toString(16).padStart(8, '0')
  return encodeEntry({
    address: `data/ft5a1tpksdu8momt5080/dc2642pks${hex}k0`,
    addressType: 'relative',
    lastModified: { seconds: 1_700_000_000 + i, nanos: (i * 7919) % 1_000_000_000 },
    sizeBytes: 1000 + i,
    eTag: hex.repeat(4),
    metadata: {},
    contentType: 'application/octet-stream',
  })
}

function key(i: number): Buffer {
  return Buffer.from(`table/year=2024/part-${String(i).padStart(6, '0')}.parquet`)
}

async function measure(name: string, runs: number, work: () => Promise<unknown> | unknown): Promise<void> {
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  console.log(
    `${name.padEnd(58)} ${(times[runs >> 1] ?? 0).toFixed(3).padStart(9)} ms   first-to-last ${times
      .map((t) => t.toFixed(1))
      .slice(0, 3)
      .join(' ')} …`,
  )
}

const store = memoryStore()
const reader = () => new TableReader(store, new BlockCache(64 << 20))
await measure('encode 50,000 entries (with their identities)', 5, () => {
  for (let i = 0; i < entries; i++) entry(i, 0)
})
const rows = Array.from({ length: entries }, (_, i) => [key(i), entry(i, 0)] as const)
const empty = '' as MetaRangeId
await measure('commit 50,000 new entries', 9, () =>
  commitTree({ reader: reader(), base: empty, changes: cursorOver(rows), policy }),
)
const { metaRangeId } = await commitTree({ reader: reader(), base: empty, changes: cursorOver(rows), policy })
const change = [[key(25_000), entry(25_000, 1)] as const]
await measure('commit 1 change in a range of 50,000, nothing cached', 9, () =>
  commitTree({ reader: reader(), base: metaRangeId, changes: cursorOver(change), policy }),
)
const warm = reader()
await measure('commit 1 change in a range of 50,000, cached', 9, () =>
  commitTree({ reader: warm, base: metaRangeId, changes: cursorOver(change), policy }),
)
const tree = await openTree(warm, metaRangeId)
const paths = Array.from({ length: 10_000 }, (_, i) => key((i * 7919) % entries))
await measure('10,000 lookups, cached', 5, async () => {
  for (const path of paths) {
    const found = tree.lookup(path)
    if ((found instanceof Promise ? await found : found) === null) throw new Error('not found')
  }
})
const none = Buffer.alloc(0)
const page =
  (from: TableReader, amount: number, delimiter = none) =>
  async () => {
    const opened = await openTree(from, metaRangeId)
    const cursor = overlay(emptyCursor, opened.cursor())
    const { results } = await listPage({ cursor, prefix: none, after: key(20_000), delimiter, amount })
    for (const listed of results) if (listed.kind === 'object') decodeEntry(listed.value)
  }
await measure('list 1,000 of 50,000 with decoding, nothing cached', 9, () => page(reader(), 1000)())
await measure('list 1,000 of 50,000 with decoding, cached', 21, page(warm, 1000))
await measure('walk 50,000, cached', 5, async () => {
  const cursor = (await openTree(warm, metaRangeId)).cursor()
  for (let more = await cursor.next(); more; ) {
    const next = cursor.next()
    more = typeof next === 'boolean' ? next : await next
  }
})
