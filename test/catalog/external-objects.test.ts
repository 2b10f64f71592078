import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLocalAdapter } from '../../adapters/local.ts'
import { createS3Adapter } from '../../adapters/s3.ts'
import { createStorageRegistry, type StorageRegistry } from '../../src/block/registry.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { statObject } from '../../src/catalog/entries.ts'
import { linkPhysicalAddress, stageObject } from '../../src/catalog/external-objects.ts'
import { getPhysicalAddress } from '../../src/catalog/hand-out-address.ts'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import type { Repository, StorageId, StorageNamespace } from '../../src/model.ts'
import { streamFile } from '../../src/runtime/file-body.ts'
import { nodeHttp } from '../../src/runtime/http.ts'
import { anybody, catalogOver } from '../support/catalog.ts'
import { localDefinition, s3Definition } from '../support/definitions.ts'
import { newRepository } from '../support/repository.ts'

let db: Db
let folder: string
beforeAll(async () => {
  db = await openPgliteDb(null)
  await migrate(db)
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'interlaken-external-')))
  mkdirSync(join(folder, 'real'))
  symlinkSync('real', join(folder, 'link'))
})
afterAll(async () => {
  await db.close()
  rmSync(folder, { recursive: true, force: true })
})

async function world(registry: StorageRegistry, namespace: string): Promise<[Catalog, Repository]> {
  const storageId = registry.list()[0]?.id as StorageId
  const place = { storageId, homeStorageId: storageId, namespace: namespace as StorageNamespace }
  return [{ ...catalogOver(db), registry }, await newRepository(db, place)]
}

function onDisk(root: string): StorageRegistry {
  return createStorageRegistry(
    { signingKey: 'key', stores: [localDefinition(root, {}, 'l')] },
    { local: (definition) => createLocalAdapter(definition, { fileBody: streamFile }) },
  )
}

function onS3(): StorageRegistry {
  return createStorageRegistry(
    { signingKey: 'key', stores: [s3Definition({}, 's')] },
    { s3: (definition) => createS3Adapter(definition, nodeHttp) },
  )
}

const external = (repository: Repository, physicalAddress: string) => ({
  ...{ repository: repository.name, branch: 'main', path: Buffer.from('p'), force: false, physicalAddress },
  ...{ checksum: 'x', sizeBytes: 1, mtimeSeconds: null, metadata: {}, contentType: null, ifAbsent: false },
})

test('no spelling of the own namespace gets past the signature, or into the committed tables', async () => {
  const [catalog, repository] = await world(onDisk(join(folder, 'link')), 'local://lake')
  for (const root of ['link', 'real']) {
    const own = `local://${join(folder, root, 'lake')}`
    const link = linkPhysicalAddress(catalog, anybody, external(repository, `${own}/data/a/b`))
    await expect(link).rejects.toMatchObject({ message: 'address is not signed: link address invalid' })
    const table = stageObject(catalog, anybody, external(repository, `${own}/_lakefs/abc`))
    await expect(table).rejects.toMatchObject({ message: 'physical address is not valid for block adapter: local' })
  }
})

test('an address is kept relative in whichever spelling it comes back', async () => {
  const [catalog, repository] = await world(onDisk(join(folder, 'link')), 'local://lake')
  const wanted = { repository: repository.name, branch: 'main', path: Buffer.from('p'), presign: false }
  const { uri } = await getPhysicalAddress(catalog, anybody, wanted)
  const relative = uri.slice(uri.indexOf('data/'))
  for (const root of ['local://lake/', `local://${folder}/link/lake/`, `local://${folder}/real/lake/`]) {
    await linkPhysicalAddress(catalog, anybody, external(repository, root + relative))
    const { entry } = await statObject(catalog, anybody, repository.name, 'main', Buffer.from('p'))
    expect(entry).toMatchObject({ address: relative, addressType: 'relative' })
  }
})

test.each([
  'S3://bucket/ns/data/p/o',
  'S3://bucket/ns/_lakefs/x',
  's3://bucket/ns/_lakefs/x',
  's3://bucket//ns/data/p/o',
  's3://bucket/ns//data/p/o',
  's3://bucket/other/../ns/data/x',
  's3://bucket/other/./x',
  's3://bucket/',
  'http://bucket/x',
])('%s is refused', async (address) => {
  const [catalog, repository] = await world(onS3(), 's3://bucket/ns')
  const message = 'physical address is not valid for block adapter: s3'
  for (const make of [stageObject, linkPhysicalAddress])
    await expect(make(catalog, anybody, external(repository, address))).rejects.toMatchObject({ message })
})

test('an address outside stays as it was given', async () => {
  const [catalog, repository] = await world(onS3(), 's3://bucket/ns')
  for (const address of ['s3://bucket/nsx/a//b', 's3://other/ns/data/x', 's3://bucket/a%2F..']) {
    await linkPhysicalAddress(catalog, anybody, external(repository, address))
    const { entry } = await statObject(catalog, anybody, repository.name, 'main', Buffer.from('p'))
    expect(entry).toMatchObject({ address, addressType: 'full' })
  }
})
