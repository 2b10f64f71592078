/** The catalog's verbs without a server. */
import { createMemAdapter } from '../../adapters/mem.ts'
import { createStorageRegistry } from '../../src/block/registry.ts'
import type { Caller, Catalog } from '../../src/catalog/catalog.ts'
import { BlockCache } from '../../src/committed/block-cache.ts'
import type { Db } from '../../src/db/db.ts'
import { createCommitCache } from '../../src/refs/commits.ts'
import { createDirectWriter } from '../../src/staging/write.ts'
import { AddressBook } from '../../src/upload/address-book.ts'
import { memDefinition } from './definitions.ts'

/** Asks for nothing and may everything. */
export const anybody: Caller = { checkVersions: () => undefined }
/** Small ranges, so that few records make many. */
export const rangePolicy = { minRangeSizeBytes: 0, maxRangeSizeBytes: 300, rangeRaggednessEntries: 3 }

/** A catalog over a storage in memory. */
export function catalogOver(db: Db): Catalog {
  const registry = createStorageRegistry(
    { signingKey: 'key', stores: [memDefinition('one')] },
    { mem: (definition) => createMemAdapter(definition) },
  )
  return {
    db,
    registry,
    stage: createDirectWriter(db),
    blockCache: new BlockCache(1 << 20),
    commits: createCommitCache(),
    addresses: new AddressBook(),
    options: { installationId: 'test', blockStoragePrefix: '_lakefs', rangePolicy, ensureReadableRootNamespace: false },
    observe: () => undefined,
  }
}
