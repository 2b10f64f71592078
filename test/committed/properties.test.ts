import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BlockCache } from '../../src/committed/block-cache.ts'
import { commitTree } from '../../src/committed/commit-tree.ts'
import { encodeEntry } from '../../src/committed/entry.ts'
import { type Listed, listPage } from '../../src/committed/list-page.ts'
import { overlay } from '../../src/committed/overlay.ts'
import { endsRange, fnv1a64Modulo, type RangePolicy } from '../../src/committed/range-policy.ts'
import { TableReader } from '../../src/committed/table-reader.ts'
import { emptyCursor, openTree, type Tree } from '../../src/committed/tree.ts'
import type { Cursor, MetaRangeId } from '../../src/model.ts'
import { drain, type Row, rowsCursor, told } from '../support/cursors.ts'
import { type MemoryTableStore, memoryTableStore } from '../support/memory-table-store.ts'

/** Small limits, so that few records make many ranges. */
const policy: RangePolicy = { minRangeSizeBytes: 200, maxRangeSizeBytes: 1500, rangeRaggednessEntries: 7 }

const key = fc
  .oneof(
    fc
      .array(fc.constantFrom('a', 'b', '/', '//', 'é', '.'), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('')),
    fc.nat(300).map((n) => `dir/part-${String(n).padStart(4, '0')}`),
  )
  .map((text) => Buffer.from(text))
const byteKey = fc.oneof(
  { weight: 6, arbitrary: key },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
)
/** Content, and an address that is not part of it. */
const content = fc.tuple(fc.nat(3), fc.nat(5))
const changeSet = fc.array(fc.tuple(byteKey, fc.option(content, { freq: 3 })), { maxLength: 120, size: 'max' })

function record([size, address]: readonly [number, number]): Buffer {
  return encodeEntry({
    address: `data/${address}`,
    addressType: 'relative',
    lastModified: { seconds: 1_700_000_000 + address, nanos: 0 },
    sizeBytes: size,
    eTag: `${size}`.repeat(32),
    metadata: {},
    contentType: '',
  })
}

type Content = readonly [number, number]
/** The naive model: content by key in hex, which sorts as the bytes do. */
type Model = Map<string, Content>

function rowsOf(model: ReadonlyMap<string, Content | null>): Row[] {
  return [...model]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([hex, value]) => [Buffer.from(hex, 'hex'), value === null ? null : record(value)])
}

function newest<Value>(changes: readonly (readonly [Buffer, Value])[]): Map<string, Value> {
  return new Map(changes.map(([path, value]) => [path.toString('hex'), value]))
}

/** Applies changes the naive way and counts them. */
function apply(
  model: Model,
  changes: ReadonlyMap<string, Content | null>,
): { added: number; removed: number; changed: number } {
  const counts = { added: 0, removed: 0, changed: 0 }
  for (const [hex, value] of changes) {
    const before = model.get(hex)
    if (value === null) {
      if (model.delete(hex)) counts.removed++
    } else if (before === undefined) {
      model.set(hex, value)
      counts.added++
    } else if (before[0] !== value[0]) {
      model.set(hex, value)
      counts.changed++
    }
  }
  return counts
}

/** Bytes of cache: some of it, so that values come and go, and none, so that nothing that was read is there when it is asked for again. */
const cacheSizes = [20_000, 0]

/** Fails instead of going round for ever, should a reader ask for the same thing again and again. */
const maxReads = 100_000

function smallReader(store: MemoryTableStore, cacheBytes: number): TableReader {
  const counted = <Args extends unknown[], Result>(read: (...args: Args) => Promise<Result>) => {
    return (...args: Args) => {
      if (store.reads > maxReads) throw new Error('the reader goes round in circles')
      return read(...args)
    }
  }
  const bounded = { ...store, readTail: counted(store.readTail), read: counted(store.read) }
  return new TableReader(bounded, new BlockCache(cacheBytes))
}

async function treeOf(
  model: Model,
  cacheBytes: number,
): Promise<{ tree: Tree; store: MemoryTableStore; reader: TableReader }> {
  const store = memoryTableStore()
  const reader = smallReader(store, cacheBytes)
  const { metaRangeId } = await commitTree({
    reader,
    base: '' as MetaRangeId,
    changes: rowsCursor(rowsOf(model)),
    policy,
  })
  return { tree: await openTree(reader, metaRangeId), store, reader }
}

describe.each(cacheSizes)('commitTree, %i bytes of cache', (cacheBytes) => {
  test('gives the tree that a map would hold, and writes only the ranges that changes touch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changeSet, { minLength: 1, maxLength: 5 }), fc.boolean(), async (commits, late) => {
        const store = memoryTableStore()
        const reader = smallReader(store, cacheBytes)
        const model: Model = new Map()
        let base = '' as MetaRangeId
        for (const commit of commits) {
          const changes = newest(commit)
          const before = await openTree(reader, base)
          const counts = apply(model, changes)
          store.written.length = 0
          const result = await commitTree({ reader, base, changes: rowsCursor(rowsOf(changes), late), policy })
          const { metaRangeId, ...counted } = result
          expect(counted).toEqual(counts)
          if (counts.added + counts.removed + counts.changed === 0) {
            expect(metaRangeId).toBe(base)
            expect(store.written).toEqual([])
            continue
          }
          const after = await openTree(reader, metaRangeId)
          expect(told(await drain(after.cursor()))).toEqual(told(rowsOf(model)))
          await checkReuse(before, after, [...changes.keys()])
          const old = new Set(rangeIds(before))
          expect(store.written.slice(0, -1).some((id) => old.has(id))).toBe(false)
          expect(store.written.at(-1)).toBe(metaRangeId)
          await checkBorders(after, before)
          base = metaRangeId
        }
      }),
      { numRuns: 60 },
    )
  })

  test('the same content gives the same tree from scratch, whatever is cached', async () => {
    await fc.assert(
      fc.asyncProperty(changeSet, async (changes) => {
        const model: Model = new Map()
        apply(model, newest(changes))
        const [one, other] = [await treeOf(model, cacheBytes), await treeOf(model, cacheBytes)]
        expect(one.tree.metaRange.id).toBe(other.tree.metaRange.id)
      }),
      { numRuns: 20 },
    )
  })

  test('a store that fails to write fails the commit, and no metarange is written', async () => {
    const model: Model = new Map(
      Array.from({ length: 400 }, (_, i) => [Buffer.from(`k${1000 + i}`).toString('hex'), [i, 0]]),
    )
    for (const failing of [1, 5, 20]) {
      const store = memoryTableStore()
      let writes = 0
      const broken = {
        ...store,
        async write(id: string, bytes: Uint8Array) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          if (++writes === failing) throw new Error('the disk is full')
          await store.write(id, bytes)
        },
      }
      const reader = new TableReader(broken, new BlockCache(1_000_000))
      const commit = commitTree({ reader, base: '' as MetaRangeId, changes: rowsCursor(rowsOf(model)), policy })
      await expect(commit).rejects.toThrow('the disk is full')
      const types = [...store.files.values()].map((bytes) => Buffer.from(bytes).includes('metaranges'))
      expect(types).not.toContain(true)
    }
  })

  test('a change without effect opens its range all the same when the commit has others', async () => {
    const model: Model = new Map(
      Array.from({ length: 60 }, (_, i) => [Buffer.from(`k${1000 + i}`).toString('hex'), [i, 0]]),
    )
    const { tree, reader } = await treeOf(model, cacheBytes)
    expect(tree.metaRange.count).toBeGreaterThan(4)
    // Under smaller limits an opened range falls apart, one that is reused does not.
    const smaller = { ...policy, minRangeSizeBytes: 0, maxRangeSizeBytes: 1 }
    const untouched = rowsOf(model)[0]
    if (untouched === undefined) throw new Error('the model is empty')
    const changes: Row[] = [untouched, [tree.metaRange.range(3).maxKey, null]]
    const commit = { reader, base: tree.metaRange.id, policy: smaller }
    const both = await openTree(reader, (await commitTree({ ...commit, changes: rowsCursor(changes) })).metaRangeId)
    const one = await openTree(
      reader,
      (await commitTree({ ...commit, changes: rowsCursor(changes.slice(1)) })).metaRangeId,
    )
    const [first = '', second = '', third = ''] = rangeIds(tree)
    expect(rangeIds(one).slice(0, 3)).toEqual([first, second, third])
    expect(rangeIds(both)).not.toContain(first)
    expect(rangeIds(both)).toEqual(expect.arrayContaining([second, third]))
    expect(told(await drain(both.cursor()))).toEqual(told(await drain(one.cursor())))
  })

  test('the metarange is written when all its ranges are durable, few at a time', async () => {
    const model: Model = new Map(
      Array.from({ length: 400 }, (_, i) => [Buffer.from(`k${1000 + i}`).toString('hex'), [i, 0]]),
    )
    const store = memoryTableStore()
    let inFlight = 0
    let most = 0
    const started: number[] = []
    const slow = {
      ...store,
      async write(id: string, bytes: Uint8Array) {
        started.push(inFlight++)
        most = Math.max(most, inFlight)
        await new Promise((resolve) => setTimeout(resolve, 2))
        await store.write(id, bytes)
        inFlight--
      },
    }
    const reader = new TableReader(slow, new BlockCache(1_000_000))
    await commitTree({ reader, base: '' as MetaRangeId, changes: rowsCursor(rowsOf(model)), policy })
    expect(started.length).toBeGreaterThan(20)
    expect(started.at(-1)).toBe(0)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(5)
  })

  test('a missing range is storage_not_found, a damaged one corrupt', async () => {
    const model: Model = new Map(
      Array.from({ length: 50 }, (_, i) => [Buffer.from(`k${1000 + i}`).toString('hex'), [i, 0]]),
    )
    const { tree, store } = await treeOf(model, cacheBytes)
    const rangeId = tree.metaRange.rangeId(1)
    const changes = () => rowsCursor([[tree.metaRange.range(1).maxKey, null]])
    const bytes = store.files.get(rangeId) ?? new Uint8Array()
    store.files.delete(rangeId)
    const base = tree.metaRange.id
    await expect(
      commitTree({ reader: smallReader(store, cacheBytes), base, changes: changes(), policy }),
    ).rejects.toMatchObject({
      code: 'storage_not_found',
    })
    store.files.set(
      rangeId,
      bytes.map((byte, at) => (at === 30 ? byte ^ 1 : byte)),
    )
    await expect(
      commitTree({ reader: smallReader(store, cacheBytes), base, changes: changes(), policy }),
    ).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(rangeId),
    })
    await expect(drain((await openTree(smallReader(store, cacheBytes), base)).cursor())).rejects.toMatchObject({
      code: 'corrupt',
    })
    await expect(
      (async () => openTree(smallReader(store, cacheBytes), rangeId as MetaRangeId))(),
    ).rejects.toMatchObject({
      code: 'storage_not_found',
    })
  })
})

function rangeIds(tree: Tree): string[] {
  return Array.from({ length: tree.metaRange.count }, (_, i) => tree.metaRange.rangeId(i))
}

/** Ranges that no change falls into or just before, and that follow no open range, are the same as before. */
async function checkReuse(before: Tree, after: Tree, changed: readonly string[]): Promise<void> {
  const kept = new Set(rangeIds(after))
  for (let i = 0; i < before.metaRange.count; i++) {
    const from = i === 0 ? '' : before.metaRange.range(i - 1).maxKey.toString('hex')
    const to = before.metaRange.range(i).maxKey.toString('hex')
    if (!changed.some((hex) => hex > from && hex <= to)) expect(kept.has(before.metaRange.rangeId(i))).toBe(true)
  }
}

/** Every range ends where the policy ends it, or before a reused range, or at the end; none goes on behind such a place. */
async function checkBorders(tree: Tree, before: Tree): Promise<void> {
  const old = new Set(rangeIds(before))
  for (let i = 0; i < tree.metaRange.count; i++) {
    const { estimatedSizeBytes, maxKey } = tree.metaRange.range(i)
    const ended = endsRange(policy, estimatedSizeBytes, maxKey, 0, maxKey.length)
    const next = tree.metaRange.rangeId(i + 1)
    if (!old.has(tree.metaRange.rangeId(i))) expect(ended || next === '' || old.has(next)).toBe(true)
  }
}

describe.each(cacheSizes)('reading, %i bytes of cache', (cacheBytes) => {
  const steps = fc.array(fc.oneof(fc.constant(null), byteKey), { maxLength: 40 })

  test('a cursor moves as one over the sorted rows', async () => {
    await fc.assert(
      fc.asyncProperty(changeSet, steps, async (changes, moves) => {
        const model: Model = new Map()
        apply(model, newest(changes))
        const { tree } = await treeOf(model, cacheBytes)
        await sameMoves(tree.cursor(), rowsCursor(rowsOf(model)), moves)
      }),
      { numRuns: 60 },
    )
  })

  test('an overlay moves as a cursor over what is visible', async () => {
    await fc.assert(
      fc.asyncProperty(changeSet, changeSet, steps, fc.boolean(), async (committed, staged, moves, late) => {
        const model: Model = new Map()
        apply(model, newest(committed))
        const { tree } = await treeOf(model, cacheBytes)
        const visible = new Map(model)
        for (const [hex, value] of newest(staged)) {
          if (value === null) visible.delete(hex)
          else visible.set(hex, value)
        }
        const cursor = overlay(rowsCursor(rowsOf(newest(staged)), late), tree.cursor())
        await sameMoves(cursor, rowsCursor(rowsOf(visible)), moves)
      }),
      { numRuns: 60 },
    )
  })

  test('lookups find what is there and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(changeSet, fc.array(byteKey), async (changes, others) => {
        const model: Model = new Map()
        apply(model, newest(changes))
        const { tree } = await treeOf(model, cacheBytes)
        for (const path of [...others, ...rowsOf(model).map(([k]) => k)]) {
          const value = model.get(path.toString('hex'))
          expect(await tree.lookup(path)).toEqual(value === undefined ? null : record(value))
        }
      }),
      { numRuns: 30 },
    )
  })

  test('the records of one range end where it ends', async () => {
    const model: Model = new Map(
      Array.from({ length: 60 }, (_, i) => [Buffer.from(`k${1000 + i}`).toString('hex'), [i, 0]]),
    )
    const { tree } = await treeOf(model, cacheBytes)
    const { minKey, maxKey, count } = tree.metaRange.range(1)
    const records = tree.records(1)
    expect(await records.seek(Buffer.alloc(0))).toBe(true)
    expect(records.entry.copyKey()).toEqual(minKey)
    for (let i = 1; i < count; i++) expect(await records.next()).toBe(true)
    expect(records.entry.copyKey()).toEqual(maxKey)
    expect(await records.next()).toBe(false)
    expect(await records.next()).toBe(false)
    expect(await records.seek(minKey)).toBe(false)
    expect(await tree.records(1).seek(Buffer.concat([maxKey, Buffer.of(0)]))).toBe(false)
  })

  test('ranges are passed unopened', async () => {
    const model: Model = new Map(
      Array.from({ length: 300 }, (_, i) => [Buffer.from(`k${1000 + i}`).toString('hex'), [i, 0]]),
    )
    const { tree, store } = await treeOf(model, cacheBytes)
    expect(tree.metaRange.count).toBeGreaterThan(5)
    const cursor = tree.cursor()
    store.reads = 0
    let ranges = 0
    while (cursor.nextRange()) {
      expect(cursor.beforeRange).toBe(true)
      expect(cursor.range).toBe(ranges++)
    }
    expect(ranges).toBe(tree.metaRange.count)
    expect(store.reads).toBe(0)
    const other = tree.cursor()
    other.nextRange()
    other.nextRange()
    expect(await other.next()).toBe(true)
    expect(other.key).toEqual(tree.metaRange.range(1).minKey)
    expect(other.beforeRange).toBe(false)
    other.nextRange()
    expect(await other.next()).toBe(true)
    expect(other.key).toEqual(tree.metaRange.range(2).minKey)
  })
})

/** Makes both cursors do the same moves (null: next) and compares where they stand; a key that lies behind moves neither. */
async function sameMoves(cursor: Cursor, naive: Cursor, moves: readonly (Buffer | null)[]): Promise<void> {
  for (const move of moves) {
    const found = await (move === null ? cursor.next() : cursor.seek(move))
    expect(found).toBe(await (move === null ? naive.next() : naive.seek(move)))
    if (found) expect(told([[cursor.key, cursor.value]])).toEqual(told([[naive.key, naive.value]]))
  }
  expect(told(await drain(cursor))).toEqual(told(await drain(naive)))
}

describe.each(cacheSizes)('listPage, %i bytes of cache', (cacheBytes) => {
  const text = fc.constantFrom('', 'a', 'a/', 'dir/', 'dir/part-00', 'é', '/', 'b')
  const delimiter = fc.constantFrom('', '/', '//', 'art-', 'é', 'a/b', '.')

  test('pages together are the listing that a naive model makes', async () => {
    await fc.assert(
      fc.asyncProperty(
        changeSet,
        changeSet,
        text,
        delimiter,
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (committed, staged, prefix, separator, amount, asText) => {
          const model: Model = new Map()
          apply(model, newest(committed))
          const { tree } = await treeOf(model, cacheBytes)
          for (const [hex, value] of newest(staged)) {
            if (value === null) model.delete(hex)
            else model.set(hex, value)
          }
          const expected = naiveListing(model, Buffer.from(prefix), Buffer.from(separator))
          const results: Listed[] = []
          let after: Buffer = Buffer.alloc(0)
          for (;;) {
            const page = await listPage({
              cursor: overlay(rowsCursor(rowsOf(newest(staged))), tree.cursor()),
              prefix: Buffer.from(prefix),
              after,
              delimiter: Buffer.from(separator),
              amount,
              resumeAs: asText ? 'text' : 'bytes',
            })
            if (!asText) expect(page.results.length).toBeLessThanOrEqual(amount)
            results.push(...page.results)
            if (!page.hasMore) break
            expect(page.results.length).toBeGreaterThan(0)
            after = asText ? Buffer.from(page.resume) : (page.results.at(-1)?.key ?? after)
          }
          expect(results.map((listed) => [listed.kind, listed.key.toString('hex')])).toEqual(expected)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('after is exclusive and may lie anywhere', async () => {
    const listed = async (keys: readonly string[], after: string) => {
      const rows = keys.map((path): Row => [Buffer.from(path), record([1, 1])])
      const page = await listPage({
        cursor: overlay(emptyCursor, rowsCursor(rows)),
        prefix: Buffer.alloc(0),
        after: Buffer.from(after),
        delimiter: Buffer.from('/'),
        amount: 10,
      })
      return page.results.map((row) => row.key.toString())
    }
    const keys = ['a', 'dir/a', 'dir/b', 'e']
    expect(await listed(keys, 'a')).toEqual(['dir/', 'e'])
    // The group that was told is not told again; one that the place lies in has keys behind it.
    expect(await listed(keys, 'dir/')).toEqual(['e'])
    expect(await listed(keys, 'dir/a')).toEqual(['dir/', 'e'])
    expect(await listed(keys, 'dir/b')).toEqual(['e'])
    expect(await listed(keys, 'zzz')).toEqual([])
  })

  test('keys of nothing but ff end a listing', async () => {
    const rows = [
      [Buffer.from('ff2f61', 'hex'), record([1, 1])] as const,
      [Buffer.from('ffff', 'hex'), record([1, 1])] as const,
    ]
    const page = await listPage({
      cursor: rowsCursor(rows),
      prefix: Buffer.from('ff', 'hex'),
      after: Buffer.alloc(0),
      delimiter: Buffer.from('ff', 'hex'),
      amount: 10,
    })
    expect(page).toEqual({
      results: [
        { kind: 'object', key: rows[0]?.[0], value: record([1, 1]) },
        { kind: 'common_prefix', key: Buffer.from('ffff', 'hex') },
      ],
      hasMore: false,
      resume: '',
    })
  })
})

function naiveListing(model: Model, prefix: Buffer, delimiter: Buffer): string[][] {
  const lines: string[][] = []
  for (const [path] of rowsOf(model)) {
    if (!path.subarray(0, prefix.length).equals(prefix)) continue
    const at = delimiter.length === 0 ? -1 : path.indexOf(delimiter, prefix.length)
    const line =
      at < 0 ? ['object', path.toString('hex')] : ['common_prefix', path.toString('hex', 0, at + delimiter.length)]
    if (at < 0 || lines.at(-1)?.[1] !== line[1] || lines.at(-1)?.[0] !== line[0]) lines.push(line)
  }
  return lines
}

describe('range policy', () => {
  test('fnv1a64 equals the definition', () => {
    expect(fnv1a64Modulo(Buffer.from('a'), 0, 1, 2 ** 26)).toBe(Number(0xaf63dc4c8601ec8cn % 2n ** 26n))
    for (const path of ['file-084352', 'file-156099', 'file-168087']) {
      expect(fnv1a64Modulo(Buffer.from(path), 0, path.length, 50_000)).toBe(0)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 2 ** 26 }), (bytes, divisor) => {
        let hash = 0xcbf29ce484222325n
        for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
        expect(fnv1a64Modulo(bytes, 0, bytes.length, divisor)).toBe(Number(hash % BigInt(divisor)))
      }),
    )
  })
})
