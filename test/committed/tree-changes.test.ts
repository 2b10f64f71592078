import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockCache } from '../../src/committed/block-cache.ts'
import { commitTree } from '../../src/committed/commit-tree.ts'
import { encodeEntry } from '../../src/committed/entry.ts'
import type { RangePolicy } from '../../src/committed/range-policy.ts'
import { TableReader } from '../../src/committed/table-reader.ts'
import { openTree } from '../../src/committed/tree.ts'
import { treeChanges } from '../../src/committed/tree-changes.ts'
import type { MetaRangeId } from '../../src/model.ts'
import { drain, type Row, rowsCursor, told } from '../support/cursors.ts'
import { memoryTableStore } from '../support/memory-table-store.ts'

/** Small limits, so that few records make many ranges. */
const policy: RangePolicy = { minRangeSizeBytes: 200, maxRangeSizeBytes: 1500, rangeRaggednessEntries: 7 }
const noTree = '' as MetaRangeId

/** Content by number of key; null: gone. */
type Model = ReadonlyMap<number, number | null>

const keyOf = (n: number) => Buffer.from(`dir-${n % 4}/part-${String(n).padStart(4, '0')}`)

function record(size: number): Buffer {
  return encodeEntry({
    address: `data/${size}`,
    addressType: 'relative',
    lastModified: { seconds: 1_700_000_000, nanos: 0 },
    sizeBytes: size,
    eTag: `${size}`.repeat(32),
    metadata: {},
    contentType: '',
  })
}

function rowsOf(model: Model): Row[] {
  const rows = [...model].map(([n, size]): Row => [keyOf(n), size === null ? null : record(size)])
  return rows.sort(([left], [right]) => left.compare(right))
}

/** Two trees, the second made from the first. */
async function twoTrees(before: Model, changes: Model) {
  const store = memoryTableStore()
  const reader = new TableReader(store, new BlockCache(1 << 20))
  const first = await commitTree({ reader, base: noTree, changes: rowsCursor(rowsOf(before)), policy })
  const base = first.metaRangeId
  const second = await commitTree({ reader, base, changes: rowsCursor(rowsOf(changes)), policy })
  const cold = new TableReader(store, new BlockCache(1 << 20))
  return { store, from: await openTree(cold, base), to: await openTree(cold, second.metaRangeId) }
}

const state = fc
  .array(fc.tuple(fc.nat(200), fc.nat(3)), { maxLength: 200, size: 'max' })
  .map((rows) => new Map<number, number | null>(rows))
const changeSet = fc
  .array(fc.tuple(fc.nat(200), fc.option(fc.nat(3), { freq: 2 })), { maxLength: 30, size: 'max' })
  .map((rows) => new Map(rows))

test('tells exactly what differs, both ways, from any place', async () => {
  await fc.assert(
    fc.asyncProperty(state, changeSet, fc.nat(200), async (before, changes, at) => {
      const { from, to } = await twoTrees(before, changes)
      const differing = new Map([...changes].filter(([n, size]) => (before.get(n) ?? null) !== size))
      const expected = rowsOf(differing)
      expect(told(await drain(treeChanges(from, to)))).toEqual(told(expected))
      const back = rowsOf(new Map([...differing.keys()].map((n) => [n, before.get(n) ?? null])))
      expect(told(await drain(treeChanges(to, from)))).toEqual(told(back))
      const cursor = treeChanges(from, to)
      const rest = expected.filter(([key]) => key.compare(keyOf(at)) >= 0)
      expect(await cursor.seek(keyOf(at))).toBe(rest.length > 0)
      if (rest.length > 0) expect(told([[cursor.key, cursor.value], ...(await drain(cursor))])).toEqual(told(rest))
    }),
    { numRuns: 60 },
  )
})

test('opens no range that both trees have', async () => {
  const before = new Map(Array.from({ length: 200 }, (_, n) => [n, 1]))
  const { store, from, to } = await twoTrees(before, new Map([[17, 2]]))
  expect(from.metaRange.count).toBeGreaterThan(8)
  store.reads = 0
  expect(await drain(treeChanges(from, to))).toHaveLength(1)
  // Tail and block of one old range and of what replaced it (two at most, where the border moved).
  expect(store.reads).toBeLessThanOrEqual(6)
  store.reads = 0
  expect(await drain(treeChanges(to, to))).toEqual([])
  expect(store.reads).toBe(0)
})
