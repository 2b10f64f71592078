import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { TableWriter } from '../../src/sstable/table-writer.ts'
import { fixtureJson, fixtureTables, goldenRepositories } from '../support/fixtures.ts'
import { readTable } from '../support/table-records.ts'

type GoldenKey = string | { readonly hex: string }

interface GoldenTable {
  readonly id: string
  readonly type: string
  readonly count: number
  readonly bytes: number
  readonly sha256: string
  readonly estimated_size: number
  readonly data_blocks: number
  readonly index: string
  readonly partitions?: number
  readonly min_key: GoldenKey
  readonly max_key: GoldenKey
}

function keyBytes(key: GoldenKey): Buffer {
  return typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.hex, 'hex')
}

/** The properties that enter a table's id. */
const hashedProperties = ['type', 'entity', 'schema_name', 'schema_definition']

describe.each(goldenRepositories)('tables that lakeFS wrote: %s', (name) => {
  const expected = fixtureJson<{ tables: GoldenTable[] }>(name, 'expected/tables.json').tables
  const files = fixtureTables(name)

  test('every file on disk is described', () => {
    expect([...files.keys()].sort()).toEqual(expected.map((table) => table.id).sort())
    expect(files.size).toBeGreaterThan(20)
  })

  test.each(expected.map((table) => [table.id, table] as const))(
    '%s is read and written again byte for byte',
    (id, golden) => {
      const bytes = files.get(id) ?? Buffer.alloc(0)
      const { layout, records } = readTable(bytes)
      const property = (key: string) => layout.properties.get(key)?.toString()
      expect(records.length).toBe(golden.count)
      expect(layout.index.count).toBe(golden.data_blocks)
      expect(property('type')).toBe(golden.type)
      expect(property('count')).toBe(String(golden.count))
      expect(layout.properties.get('rocksdb.block.based.table.index.type')?.readUInt32LE()).toBe(
        golden.index === 'single' ? 0 : 2,
      )
      expect(records[0]?.[0] ?? Buffer.alloc(0)).toEqual(keyBytes(golden.min_key))
      expect(records.at(-1)?.[0] ?? Buffer.alloc(0)).toEqual(keyBytes(golden.max_key))

      const properties: Record<string, string> = {}
      for (const key of hashedProperties) {
        const value = property(key)
        if (value !== undefined) properties[key] = value
      }
      const writer = new TableWriter(properties)
      for (const [key, value] of records) writer.add(key, 0, key.length, value, 0, value.length)
      const written = writer.finish()
      expect(written.id).toBe(id)
      expect(written.estimatedSizeBytes).toBe(golden.estimated_size)
      expect(written.bytes.length).toBe(golden.bytes)
      expect(createHash('sha256').update(written.bytes).digest('hex')).toBe(golden.sha256)
    },
  )
})
