import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockCache } from '../../src/committed/block-cache.ts'
import { commitTree } from '../../src/committed/commit-tree.ts'
import { TableReader } from '../../src/committed/table-reader.ts'
import { differIn } from '../../src/committed/touched.ts'
import { openTree, type Tree } from '../../src/committed/tree.ts'
import type { MetaRangeId, ObjectPath } from '../../src/model.ts'
import { type Row, rowsCursor } from '../support/cursors.ts'
import { memoryTableStore } from '../support/memory-table-store.ts'
import { sizedRecord } from '../support/table-records.ts'

/** Small limits, so that few records make many ranges. */
const policy = { minRangeSizeBytes: 200, maxRangeSizeBytes: 900, rangeRaggednessEntries: 5 }

const path = fc.oneof(
  fc.nat(60).map((n) => `dir/${String(n).padStart(3, '0')}`),
  fc.constantFrom('a', 'ab', 'a/b', 'b', 'dir', 'dir/', 'é', 'z'),
)
const content = fc.dictionary(path, fc.nat(2), { maxKeys: 60 })
const prefix = fc.oneof(path, fc.constantFrom('', 'd', 'dir/0', 'dir/01', 'zz'))

async function treeOf(reader: TableReader, base: MetaRangeId, rows: Record<string, number | null>): Promise<Tree> {
  const changes = Object.entries(rows)
    .map(([key, size]): Row => [Buffer.from(key), size === null ? null : sizedRecord(size)])
    .sort(([a], [b]) => Buffer.compare(a, b))
  const { metaRangeId } = await commitTree({ reader, base, changes: rowsCursor(changes), policy })
  return openTree(reader, metaRangeId)
}

test('two trees differ in what a map says', async () => {
  const met = { same: 0, differing: 0 }
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.dictionary(path, fc.option(fc.nat(2), { freq: 3 }), { maxKeys: 6 }),
      fc.array(path, { maxLength: 3 }),
      fc.array(prefix, { maxLength: 3 }),
      async (before, changes, objects, prefixes) => {
        const reader = new TableReader(memoryTableStore(), new BlockCache(20_000))
        const from = await treeOf(reader, '' as MetaRangeId, before)
        const to = await treeOf(reader, from.metaRange.id, changes)
        const touched = Object.entries(changes)
          .filter(([key, size]) => (Object.hasOwn(before, key) ? before[key] : null) !== size)
          .map(([key]) => key)
        const wanted = touched.some((key) => objects.includes(key) || prefixes.some((start) => key.startsWith(start)))
        const filter = {
          objects: objects.map((key) => Buffer.from(key) as ObjectPath),
          prefixes: prefixes.map((key) => Buffer.from(key)),
        }
        expect(await differIn(from, to, filter)).toBe(wanted)
        expect(await differIn(to, from, filter)).toBe(wanted)
        met[wanted ? 'differing' : 'same']++
      },
    ),
    { numRuns: 400 },
  )
  expect(Math.min(met.same, met.differing)).toBeGreaterThan(50)
})

test('nothing is read where the trees share their ranges', async () => {
  const store = memoryTableStore()
  const writer = new TableReader(store, new BlockCache(0))
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`dir/${String(n).padStart(4, '0')}`, 1]))
  const from = await treeOf(writer, '' as MetaRangeId, many)
  const to = await treeOf(writer, from.metaRange.id, { 'dir/0250': 2 })
  expect(from.metaRange.count).toBeGreaterThan(20)
  const reader = new TableReader(store, new BlockCache(0))
  const [a, b] = [await openTree(reader, from.metaRange.id), await openTree(reader, to.metaRange.id)]
  store.reads = 0
  const far = { objects: [Buffer.from('dir/0499') as ObjectPath], prefixes: [] }
  expect(await differIn(a, b, far)).toBe(false)
  expect(store.reads).toBe(0)
  expect(await differIn(a, b, { objects: [], prefixes: [Buffer.from('dir/025')] })).toBe(true)
  expect(store.reads).toBeLessThan(6)
})
