/** Sample data on a storage that fails: whatever it fails at, the repository is there with all of it or not at all. */
import { expect, test } from 'vitest'
import { createMemAdapter } from '../../adapters/mem.ts'
import { createStorageRegistry } from '../../src/block/registry.ts'
import { listObjects } from '../../src/catalog/entries.ts'
import { createRepository, getRepository } from '../../src/catalog/repositories.ts'
import { DomainError, isDomainError } from '../../src/errors.ts'
import { anybody, catalogOver } from '../support/catalog.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { memDefinition } from '../support/definitions.ts'

describeOnDatabases('sample data', (db, kind) => {
  test('is all there, or the name and the place are free', async () => {
    let puts = 0
    let failing = 0
    const registry = createStorageRegistry(
      { signingKey: 'key', stores: [memDefinition('one')] },
      {
        mem(definition) {
          const adapter = createMemAdapter(definition)
          const put: typeof adapter.put = (...put) => {
            if (++puts === failing) throw new DomainError('storage_unavailable', 'the storage went away')
            return adapter.put(...put)
          }
          return { ...adapter, put }
        },
      },
    )
    const catalog = { ...catalogOver(db()), registry }
    const name = `sample-${kind}`
    const wanted = {
      name,
      storageId: null,
      namespace: `mem://${name}`,
      defaultBranch: 'main',
      sampleData: true,
      readOnly: false,
      bare: false,
      committer: 'ana',
    }
    for (failing = 1; ; failing++) {
      puts = 0
      const failure = await createRepository(catalog, wanted).then(
        () => null,
        (error: unknown) => error,
      )
      if (failure === null) break
      expect(isDomainError(failure, 'namespace_unwritable')).toBe(true)
      await expect(getRepository(catalog, anybody, name)).rejects.toMatchObject({ code: 'repository_not_found' })
    }
    // The files, at least one range, the metarange and the marker were each refused once.
    expect(failing).toBeGreaterThan(7 + 3)
    const all = { prefix: Buffer.alloc(0), after: Buffer.alloc(0), delimiter: Buffer.alloc(0), amount: 1000 }
    const { items } = await listObjects(catalog, anybody, name, 'main', all)
    expect(items).toHaveLength(7)
  })
})
