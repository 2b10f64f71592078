/** What the verbs work with. The entries make it, once a process; on Workers `db` finds the request's own connection. */
import type { StorageRegistry } from '../block/registry.ts'
import type { BlockCache } from '../committed/block-cache.ts'
import type { RangePolicy } from '../committed/range-policy.ts'
import { TableReader } from '../committed/table-reader.ts'
import { createTableStore } from '../committed/table-store.ts'
import type { Db } from '../db/db.ts'
import type { Repository, StorageId } from '../model.ts'
import type { CommitCache } from '../refs/commits.ts'
import type { StageWriter } from '../staging/write.ts'
import type { AddressBook } from '../upload/address-book.ts'
import type { StagingWatch } from './staging-watch.ts'
import type { ObserveStep } from './steps.ts'
import type { Turns } from './turns.ts'

export interface Catalog {
  readonly db: Db
  readonly registry: StorageRegistry
  readonly stage: StageWriter
  readonly blockCache: BlockCache
  readonly commits: CommitCache
  readonly addresses: AddressBook
  readonly options: CatalogOptions
  readonly observe: ObserveStep
  /** Commits of one branch take turns in it; absent, on Workers, they only race. */
  readonly turns?: Turns
  /** Told how much staging reads go through; absent where nobody compacts. */
  readonly watch?: StagingWatch
}

export interface CatalogOptions {
  readonly installationId: string
  /** Folder of ranges and metaranges under a namespace, `_lakefs` unless configured. */
  readonly blockStoragePrefix: string
  readonly rangePolicy: RangePolicy
  /** Refuse a namespace with lakeFS's old marker `dummy` at its root. */
  readonly ensureReadableRootNamespace: boolean
}

/** Whoever asks: told, with the first statement of a verb, the versions that its credentials must be checked against. */
export interface Caller {
  /** @throws unauthenticated, unauthorized when what was checked before no longer holds */
  checkVersions(versions: { readonly authVersion: string; readonly storageId: StorageId }): void | Promise<void>
}

/** The committed tables of a repository, where its storage keeps them. @throws storage_unknown */
export function tablesOf(catalog: Catalog, repository: Repository): TableReader {
  const { adapter, id } = catalog.registry.get(repository.storageId)
  const { namespace } = repository
  const store = createTableStore({ adapter, storageId: id, namespace, prefix: catalog.options.blockStoragePrefix })
  const write = async (tableId: string, bytes: Uint8Array) => {
    await store.write(tableId, bytes)
    catalog.observe('commit.table-written')
  }
  return new TableReader({ ...store, write }, catalog.blockCache)
}
