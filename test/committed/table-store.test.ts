import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLocalAdapter } from '../../adapters/local.ts'
import { createMemAdapter } from '../../adapters/mem.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import { BlockCache } from '../../src/committed/block-cache.ts'
import { commitTree } from '../../src/committed/commit-tree.ts'
import { TableReader } from '../../src/committed/table-reader.ts'
import { createTableStore, type TableStore } from '../../src/committed/table-store.ts'
import { openTree } from '../../src/committed/tree.ts'
import type { MetaRangeId, StorageId, StorageNamespace } from '../../src/model.ts'
import { streamFile } from '../../src/runtime/file-body.ts'
import { drain, rowsCursor, told } from '../support/cursors.ts'
import { localDefinition, memDefinition } from '../support/definitions.ts'
import { fixtureTables, unpackFixture } from '../support/fixtures.ts'
import { goldenMetaRange, goldenPolicy, openGolden } from '../support/golden-repository.ts'

function storeOver(adapter: BlockAdapter, namespace: string, storageId = 'one'): TableStore {
  return createTableStore({
    adapter,
    namespace: namespace as StorageNamespace,
    storageId: storageId as StorageId,
  })
}

describe('tables in a namespace that lakeFS filled, on disk', () => {
  const root = mkdtempSync(join(tmpdir(), 'tables-'))
  const adapter = createLocalAdapter(localDefinition(root, { fsync: false }), { fileBody: streamFile })
  beforeAll(() => unpackFixture('big', join(root, 'big')))
  afterAll(async () => {
    await adapter.close()
    rmSync(root, { recursive: true })
  })

  test('are read, and committed to', async () => {
    const store = storeOver(adapter, 'local://big/namespace')
    const reader = new TableReader(store, new BlockCache(1 << 20))
    const base = goldenMetaRange('big', 'uploads')
    const rows = await drain((await openTree(reader, base)).cursor())
    expect(told(rows)).toEqual(told(await drain((await openTree(openGolden('big').reader, base)).cursor())))
    const gone = rows.slice(100, 110).map(([key]) => [key, null] as const)
    const result = await commitTree({ reader, base, changes: rowsCursor(gone), policy: goldenPolicy('big') })
    expect(result.removed).toBe(10)
    const fresh = new TableReader(store, new BlockCache(1 << 20))
    const left = await drain((await openTree(fresh, result.metaRangeId)).cursor())
    expect(told(left)).toEqual(told([...rows.slice(0, 100), ...rows.slice(110)]))
  })

  test('a missing table, or a name that is none, is storage_not_found; a short file is corrupt', async () => {
    const store = storeOver(adapter, 'local://big/namespace')
    const missing = 'f'.repeat(64)
    for (const id of [missing, 'dummy', '../manifest.json', '']) {
      await expect(store.readTail(id, 100), id).rejects.toMatchObject({ code: 'storage_not_found' })
      await expect(store.read(id, 0, 1), id).rejects.toMatchObject({ code: 'storage_not_found' })
    }
    const reader = new TableReader(store, new BlockCache(1 << 20))
    await expect((async () => openTree(reader, missing as MetaRangeId))()).rejects.toMatchObject({
      code: 'storage_not_found',
    })
    const [id, bytes] = [...fixtureTables('big')].find(([, file]) => file.length > 100_000) ?? ['', Buffer.alloc(0)]
    truncateSync(join(root, 'big/namespace/_lakefs', id), 1000)
    await expect(store.read(id, 500, 1500)).rejects.toMatchObject({ code: 'corrupt' })
    await expect(store.read(id, 5000, bytes.length)).rejects.toMatchObject({ code: 'corrupt' })
    await expect((async () => reader.table(id, bytes.length))()).rejects.toMatchObject({ code: 'corrupt' })
  })
})

test('one cache serves many repositories without mixing their tables', async () => {
  const adapter = createMemAdapter(memDefinition())
  const cache = new BlockCache(1 << 20)
  const id = goldenMetaRange('tuned', 'load')
  const good = storeOver(adapter, 'mem://good')
  const forged = storeOver(adapter, 'mem://forged')
  const other = storeOver(adapter, 'mem://good', 'two')
  expect(new Set([good.space, forged.space, other.space]).size).toBe(3)
  const tables = [...fixtureTables('tuned')]
  for (const [table, bytes] of tables) {
    await good.write(table, bytes)
    // Another tree under the same metarange id.
    await forged.write(
      table,
      table === id ? (fixtureTables('tuned').get(goldenMetaRange('tuned', 'span')) ?? bytes) : bytes,
    )
  }
  const rows = await drain((await openTree(new TableReader(good, cache), id)).cursor())
  const forgedRows = await drain((await openTree(new TableReader(forged, cache), id)).cursor())
  const again = await drain((await openTree(new TableReader(good, cache), id)).cursor())
  expect(told(again)).toEqual(told(rows))
  expect(forgedRows.length).not.toBe(0)
  expect(told(forgedRows)).not.toEqual(told(rows))
  await adapter.close()
})
