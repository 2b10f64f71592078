import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createLocalAdapter } from '../../adapters/local.ts'
import { createMemAdapter } from '../../adapters/mem.ts'
import type { StorageDefinition } from '../../src/block/definition.ts'
import { createStorageRegistry } from '../../src/block/registry.ts'
import { rememberStorages } from '../../src/catalog/storages.ts'
import type { Db } from '../../src/db/db.ts'
import type { StorageId } from '../../src/model.ts'
import { streamFile } from '../../src/runtime/file-body.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { localDefinition, memDefinition } from '../support/definitions.ts'
import { newRepository } from '../support/repository.ts'

const root = mkdtempSync(join(tmpdir(), 'interlaken-storages-'))
afterAll(() => rmSync(root, { recursive: true }))

/** A local storage in a folder of that name. */
function local(id: string, folder: string, backwardCompatible = false): StorageDefinition {
  return { ...localDefinition(join(root, folder), {}, id), backwardCompatible }
}

async function start(db: Db, ...stores: StorageDefinition[]): Promise<void> {
  const registry = createStorageRegistry(
    { signingKey: 'key', stores },
    { local: (definition) => createLocalAdapter(definition, { fileBody: streamFile }), mem: createMemAdapter },
  )
  try {
    await rememberStorages(db, registry)
  } finally {
    await registry.close()
  }
}

function remembered(db: Db): Promise<{ id: string; place: string }[]> {
  return db.run({ name: '', text: 'SELECT id, place FROM storages ORDER BY id' }, [])
}

const inFolder = (id: string, folder: string) => ({ id, place: expect.stringContaining(join(root, folder)) })

describeOnDatabases('what the database remembers of storages', (db) => {
  beforeEach(async () => {
    await db().run({ name: '', text: 'DELETE FROM storages' }, [])
    await db().run({ name: '', text: 'DELETE FROM repositories' }, [])
  })

  test('an id that points elsewhere is refused, naming both places', async () => {
    await start(db(), local('a', 'a'), local('b', 'b'), memDefinition('m'))
    expect(await remembered(db())).toEqual([inFolder('a', 'a'), inFolder('b', 'b')])
    await start(db(), local('b', 'b'), local('a', 'a'), local('c', 'c'))
    const moved = start(db(), local('a', 'a'), local('b', 'elsewhere'), local('c', 'c too'))
    await expect(moved).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/storage "b" was .*\/b and is .*\/elsewhere now; storage "c" was /),
    })
  })

  test('a storage that cannot be opened is not taken for one that moved, nor remembered', async () => {
    writeFileSync(join(root, 'file'), 'in the way')
    await start(db(), local('a', 'a'), local('broken', 'file'))
    expect(await remembered(db())).toEqual([inFolder('a', 'a')])
    await start(db(), local('a', 'file'), local('broken', 'b'))
    expect(await remembered(db())).toEqual([inFolder('a', 'a'), inFolder('broken', 'b')])
    await start(db(), local('', 'file'))
    expect(await remembered(db())).toHaveLength(2)
  })

  test.each([{ storageId: '' as StorageId }, { homeStorageId: '' as StorageId }])(
    'the empty id keeps its place while repositories need it: %j',
    async (fields) => {
      await start(db(), local('', 'single'))
      await newRepository(db(), { namespace: `mem://${randomBytes(4).toString('hex')}` as never, ...fields })
      await start(db(), local('kept', 'single', true), local('b', 'b'))
      await expect(start(db(), local('kept', 'single'), local('b', 'b', true))).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/storage "", .* was .*\/single and is .*\/b \(storage "b"\) now/),
      })
      await expect(start(db(), local('', 'elsewhere'))).rejects.toMatchObject({ code: 'conflict' })
      await start(db(), local('kept', 'single'), local('b', 'b'))
      expect(await remembered(db())).toEqual([inFolder('', 'single'), inFolder('b', 'b'), inFolder('kept', 'single')])
    },
  )

  test('without such repositories it moves', async () => {
    await start(db(), local('a', 'a', true), local('b', 'b'))
    await newRepository(db(), { storageId: 'a' as StorageId, homeStorageId: 'a' as StorageId })
    expect(await remembered(db())).toEqual([inFolder('', 'a'), inFolder('a', 'a'), inFolder('b', 'b')])
    await start(db(), local('a', 'a'), local('b', 'b', true))
    expect(await remembered(db())).toEqual([inFolder('', 'b'), inFolder('a', 'a'), inFolder('b', 'b')])
    await start(db(), local('', 'c'))
    expect(await remembered(db())).toEqual([inFolder('', 'c'), inFolder('a', 'a'), inFolder('b', 'b')])
  })
})
