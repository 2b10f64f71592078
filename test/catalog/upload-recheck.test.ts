import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStorageRegistry } from '../../src/block/registry.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { copyObject } from '../../src/catalog/copy-object.ts'
import { statObject } from '../../src/catalog/entries.ts'
import { addProtectionRule } from '../../src/catalog/protection.ts'
import { type Upload, uploadObject } from '../../src/catalog/write-objects.ts'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import type { Repository, StorageId, StorageNamespace } from '../../src/model.ts'
import { anybody, catalogOver } from '../support/catalog.ts'
import { memDefinition } from '../support/definitions.ts'
import { newRepository } from '../support/repository.ts'

let db: Db
beforeAll(async () => {
  db = await openPgliteDb(null)
  await migrate(db)
})
afterAll(() => db.close())

async function world(): Promise<[Catalog, Repository]> {
  const storageId = 'one' as StorageId
  const place = { storageId, homeStorageId: storageId, namespace: 'mem://bucket/ns' as StorageNamespace }
  return [catalogOver(db), await newRepository(db, place)]
}

/** An upload whose body ends only after `meanwhile`. */
function streamed(repository: Repository, meanwhile: () => Promise<unknown>): Upload {
  const open = () =>
    new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from('bytes'))
        await meanwhile()
        controller.close()
      },
    })
  return {
    ...{ repository: repository.name, branch: 'main', path: Buffer.from('p'), force: false, ifAbsent: false },
    ...{ storageClass: null, metadata: {} },
    openBody: () => Promise.resolve({ stream: open(), sizeBytes: null, contentType: null }),
  }
}

const changes: [what: string, code: string, (catalog: Catalog, repository: Repository) => Promise<unknown>][] = [
  [
    'its branch is protected',
    'branch_protected',
    (catalog, { name }) => addProtectionRule(catalog, anybody, name, 'm*'),
  ],
  [
    'its repository becomes read-only',
    'read_only',
    (_, { uid }) => db.run({ name: '', text: 'UPDATE repositories SET read_only = true WHERE uid = $1::uuid' }, [uid]),
  ],
]

test.each(changes)('an upload does not land when meanwhile %s', async (_, code, change) => {
  const [catalog, repository] = await world()
  const upload = streamed(repository, () => change(catalog, repository))
  await expect(uploadObject(catalog, anybody, upload)).rejects.toMatchObject({ code })
  const found = statObject(catalog, anybody, repository.name, 'main', Buffer.from('p'))
  await expect(found).rejects.toMatchObject({ code: 'entry_not_found' })
})

test.each(changes)('a copy does not land when meanwhile %s', async (_, code, change) => {
  const [catalog, repository] = await world()
  await uploadObject(
    catalog,
    anybody,
    streamed(repository, () => Promise.resolve()),
  )
  const { adapter } = catalog.registry.get(repository.storageId)
  const copying = async (...args: Parameters<typeof adapter.copy>) => {
    await change(catalog, repository)
    return adapter.copy(...args)
  }
  const registry = createStorageRegistry(
    { signingKey: 'key', stores: [memDefinition('one')] },
    { mem: () => ({ ...adapter, copy: copying }) },
  )
  const copy = {
    ...{ repository: repository.name, branch: 'main', path: Buffer.from('q'), force: false },
    ...{ sourceRef: null, sourcePath: Buffer.from('p') },
  }
  await expect(copyObject({ ...catalog, registry }, anybody, copy)).rejects.toMatchObject({ code })
})
