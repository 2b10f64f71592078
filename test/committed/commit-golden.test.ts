import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { commitTree, writeEmptyTree, writeTree } from '../../src/committed/commit-tree.ts'
import { decodeEntry, encodeEntry, recordIdentity } from '../../src/committed/entry.ts'
import { defaultRangePolicy } from '../../src/committed/range-policy.ts'
import { emptyMetaRangeId } from '../../src/committed/table-kinds.ts'
import { openTree } from '../../src/committed/tree.ts'
import type { MetaRangeId } from '../../src/model.ts'
import { drain, type Row, rowsCursor } from '../support/cursors.ts'
import { fixtureJson, fixtureTables, goldenRepositories } from '../support/fixtures.ts'
import { goldenCommits, goldenPolicy, openGolden } from '../support/golden-repository.ts'
import { memoryTableStore } from '../support/memory-table-store.ts'
import { readTable } from '../support/table-records.ts'

type Changes = readonly (readonly [
  name: string,
  id: string,
  parents: number,
  differing: number,
  kind: string,
  reused: number,
  same: boolean,
])[]

/** Records to apply to `from` to get `to`. */
function difference(from: readonly Row[], to: readonly Row[]): Row[] {
  const old = new Map(from.map(([key, value]) => [key.toString('hex'), value]))
  const changes: Row[] = []
  for (const [key, value] of to) {
    const before = old.get(key.toString('hex'))
    old.delete(key.toString('hex'))
    if (before === undefined || before === null || value === null || !before.equals(value)) changes.push([key, value])
  }
  for (const hex of old.keys()) changes.push([Buffer.from(hex, 'hex'), null])
  return changes.sort(([a], [b]) => Buffer.compare(a, b))
}

/** Those of the changes whose record in `from` has the same identity. */
function sameContent(from: readonly Row[], changes: readonly Row[]): Row[] {
  const old = new Map(from.map(([key, value]) => [key.toString('hex'), value]))
  return changes.filter(([key, value]) => {
    const before = old.get(key.toString('hex'))
    return value !== null && before != null && recordIdentity(before).equals(recordIdentity(value))
  })
}

describe.each(goldenRepositories)('commits that lakeFS made: %s', (name) => {
  const commits = goldenCommits(name)
  const { commits: changes } = fixtureJson<{ commits: Changes }>(name, 'expected/commit-changes.json')

  test('the fixtures hold every commit but the root', () => expect(changes.length).toBe(commits.length - 1))

  test.each(changes)('%s', async (_, id, __, differing, kind, reused) => {
    const commit = commits.find((candidate) => candidate.id === id)
    const parent = commits.find((candidate) => candidate.id === commit?.parents[0])
    if (commit === undefined || parent === undefined) throw new Error('a commit is missing in the fixtures')
    const { reader, store } = openGolden(name)
    const before = await drain((await openTree(reader, parent.meta_range_id)).cursor())
    const after = await drain((await openTree(reader, commit.meta_range_id)).cursor())
    const rows = difference(before, after)
    expect(rows.length).toBe(differing)
    // Merges and reverts of lakeFS also replace records by others of equal identity, which a commit never does: here such a record
    // is removed first. All these trees have one range, so no border depends on the detour.
    const replaced = sameContent(before, rows)
    if (replaced.length > 0) expect(kind).toBe('one range')
    const policy = goldenPolicy(name)
    const tombstones = rowsCursor(replaced.map(([key]) => [key, null]))
    const detour = await commitTree({ reader, base: parent.meta_range_id, changes: tombstones, policy })
    expect(detour.removed).toBe(replaced.length)
    if (replaced.length > 0) store.written.length = 0
    const result = await commitTree({ reader, base: detour.metaRangeId, changes: rowsCursor(rows, true), policy })
    expect(result.added + result.removed + result.changed).toBe(differing)
    if (differing === 0) {
      expect(kind).toBe('unchanged tree')
      expect(result.metaRangeId).toBe(parent.meta_range_id)
      expect(store.written).toEqual([])
      if (parent.meta_range_id === '') expect(await writeEmptyTree(store)).toBe(commit.meta_range_id)
      else expect(commit.meta_range_id).toBe(parent.meta_range_id)
      return
    }
    expect(result.metaRangeId).toBe(commit.meta_range_id)
    const ranges = (await openTree(reader, result.metaRangeId)).metaRange
    const known = (await openTree(reader, parent.meta_range_id)).metaRange
    const old = new Set(Array.from({ length: known.count }, (_, i) => known.rangeId(i)))
    const kept = Array.from({ length: ranges.count }, (_, i) => ranges.rangeId(i)).filter((range) => old.has(range))
    expect(kept.length).toBe(reused)
    // Only what is new was written: the other ranges and the metarange.
    expect(store.written.length).toBe(ranges.count - reused + 1)
    for (const written of store.written) {
      expect(
        Buffer.compare(
          Buffer.from(store.files.get(written) ?? []),
          fixtureTables(name).get(written) ?? Buffer.alloc(0),
        ),
      ).toBe(0)
    }
  })

  test('metaranges hold the ranges that an independent reader found', async () => {
    type Key = string | { hex: string }
    const { metaranges } = fixtureJson<{ metaranges: Record<string, [string, number, number, Key, Key][]> }>(
      name,
      'expected/metaranges.json',
    )
    const bytes = (key: Key) => (typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.hex, 'hex'))
    const { reader } = openGolden(name)
    for (const [id, expected] of Object.entries(metaranges)) {
      const metaRange = await reader.metaRange(id as MetaRangeId)
      expect(metaRange.count).toBe(expected.length)
      for (const [i, [rangeId, count, estimatedSizeBytes, minKey, maxKey]] of expected.entries()) {
        expect(metaRange.rangeId(i)).toBe(rangeId)
        expect(metaRange.range(i)).toEqual({ count, estimatedSizeBytes, minKey: bytes(minKey), maxKey: bytes(maxKey) })
      }
    }
  })

  test('dumps are written again under the same ids', async () => {
    let dumps = 0
    for (const [id, file] of fixtureTables(name)) {
      const { layout } = readTable(file)
      const entity = layout.properties.get('entity')?.toString()
      if (entity === undefined || layout.properties.get('type')?.toString() !== 'metaranges') continue
      const { reader } = openGolden(name)
      const store = memoryTableStore()
      const properties = Object.fromEntries(
        ['entity', 'schema_name', 'schema_definition'].map((key) => [
          key,
          layout.properties.get(key)?.toString() ?? '',
        ]),
      )
      const records = (await openTree(reader, id as MetaRangeId)).cursor()
      expect(await writeTree(records, { store, policy: goldenPolicy(name), properties })).toBe(id)
      dumps++
    }
    expect(dumps).toBeGreaterThan(2)
  })
})

describe('worked examples of the format', () => {
  test('from an entry to a metarange', async () => {
    const store = memoryTableStore()
    const record = encodeEntry({
      address: 'data/gj2ab9l4d0qs73f2h1ng/cl9nbt1a3q9g00f2h1n0',
      addressType: 'relative',
      lastModified: { seconds: 1700000000, nanos: 123456789 },
      sizeBytes: 5,
      eTag: '5d41402abc4b2a76b9719d911017c592',
      metadata: { a: '1', b: '2' },
      contentType: 'text/plain',
    })
    expect(decodeEntry(record).sizeBytes).toBe(5)
    const id = await writeTree(rowsCursor([[Buffer.from('hello.txt'), record]]), { store, policy: defaultRangePolicy })
    expect(id).toBe('bf5b9cb4fd15b400ceac369e5e3e334e221405fe6a8516b5cd942b8226c9c836')
    const range = '939126e66e976f9d53128e7baac3c7edbfdf207bec4febf68f9be5bfb897c06a'
    const sha256 = (table: string) =>
      createHash('sha256')
        .update(store.files.get(table) ?? '')
        .digest('hex')
    expect(store.written).toEqual([range, id])
    expect(sha256(range)).toBe('d540d9f97c12f0ec30daa5edeb32655cace1b11ac52e8c0a0f27e18eb908dc0d')
    expect(sha256(id)).toBe('b1197ce6f73cfc2f63036a98e4990860763d4aff3cb8cd03fc31fff86664f8fd')
  })

  test('the empty metarange, and an empty dump of tags', async () => {
    const store = memoryTableStore()
    expect(await writeEmptyTree(store)).toBe(emptyMetaRangeId)
    const file = Buffer.from(store.files.get(emptyMetaRangeId) ?? [])
    expect(createHash('sha256').update(file).digest('hex')).toBe(
      '83bf413bf2d8acee9b529d255c0b943d91e65a12ddff2e453726a418922ae61c',
    )
    const schema =
      '{"name":"TagData", "field":[{"name":"id", "number":1, "label":"LABEL_OPTIONAL", "type":"TYPE_STRING", "jsonName":"id"}, {"name":"commit_id", "number":2, "label":"LABEL_OPTIONAL", "type":"TYPE_STRING", "jsonName":"commitId"}]}'
    const properties = {
      entity: 'tag',
      schema_name: 'io.treeverse.lakefs.graveler.TagData',
      schema_definition: schema,
    }
    const dump = await writeTree(rowsCursor([]), { store, policy: defaultRangePolicy, properties })
    expect(dump).toBe('e77ccbca0369cb68eb14455302ee10f4baaf7aff716ec1b591aeb9b86b198d19')
  })
})
