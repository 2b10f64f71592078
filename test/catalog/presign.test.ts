import { afterAll, beforeAll, expect, test } from 'vitest'
import { createS3Adapter } from '../../adapters/s3.ts'
import { createStorageRegistry } from '../../src/block/registry.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { ObjectRecord } from '../../src/catalog/entries.ts'
import { presignItems } from '../../src/catalog/presign.ts'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { DomainError } from '../../src/errors.ts'
import type { AddressType, Entry, Repository, StorageId, StorageNamespace } from '../../src/model.ts'
import { nodeHttp } from '../../src/runtime/http.ts'
import { catalogOver } from '../support/catalog.ts'
import { s3Definition } from '../support/definitions.ts'
import { newRepository } from '../support/repository.ts'

let db: Db
beforeAll(async () => {
  db = await openPgliteDb(null)
  await migrate(db)
})
afterAll(() => db.close())

/** A catalog over S3 where asking for a bucket fails as `failing` says, and a repository there. */
async function world(failing: (bucket: string) => DomainError | null): Promise<[Catalog, Repository]> {
  const registry = createStorageRegistry(
    { signingKey: 'key', stores: [s3Definition({ discoverBucketRegion: false, endpoint: 'http://127.0.0.1:1' }, 's')] },
    {
      s3: (definition) => {
        const adapter = createS3Adapter(definition, nodeHttp)
        return {
          ...adapter,
          presign(location, ...rest) {
            const failure = failing(location.container)
            return failure === null ? adapter.presign(location, ...rest) : Promise.reject(failure)
          },
        }
      },
    },
  )
  const storageId = 's' as StorageId
  const namespace = 's3://own/ns' as StorageNamespace
  const repository = await newRepository(db, { storageId, homeStorageId: storageId, namespace })
  return [{ ...catalogOver(db), registry }, repository]
}

function object(repository: Repository, address: string, addressType: AddressType, storageId?: string): ObjectRecord {
  const entry: Entry = {
    ...{ address, addressType, sizeBytes: 1, eTag: 'x', metadata: {}, contentType: 'text/plain' },
    lastModified: { seconds: 1, nanos: 0 },
    ...(storageId === undefined ? {} : { storageId: storageId as StorageId }),
  }
  return { repository, path: Buffer.from('a/b'), entry, uri: address }
}

test('an object that can have no URL costs the others of its page nothing', async () => {
  const [catalog, repository] = await world((bucket) =>
    bucket === 'elsewhere' ? new DomainError('storage_unavailable', 'no region') : null,
  )
  const items = [
    object(repository, 'data/x', 'relative'),
    object(repository, 's3://bucket/other/../x', 'full'),
    object(repository, 's3://bucket/', 'full'),
    object(repository, 's3://elsewhere/x', 'full'),
    object(repository, 's3://bucket/x', 'full', 'gone'),
    { commonPrefix: Buffer.from('a/') },
    object(repository, 's3://bucket/x', 'full'),
  ]
  const urls = await presignItems(catalog, repository, items, () => true)
  expect(urls.map((url) => url !== null)).toEqual([true, false, false, false, false, false, true])
})

test('a storage of its own that is down fails the page', async () => {
  const [catalog, repository] = await world(() => new DomainError('storage_unavailable', 'down'))
  const items = [object(repository, 'data/x', 'relative')]
  await expect(presignItems(catalog, repository, items, () => true)).rejects.toMatchObject({ message: 'down' })
})
