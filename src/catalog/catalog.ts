/** What the verbs work with. `createApp` wires it: once a process on servers, once a request on Workers (the shared parts stay). */
import type { StorageRegistry } from '../block/registry.ts'
import type { TableReader } from '../committed/table-reader.ts'
import type { RangePolicy } from '../committed/range-policy.ts'
import type { Db } from '../db/db.ts'
import type { CommitCache } from '../refs/commits.ts'
import type { StageWriter } from '../staging/stage-writer.ts'
import type { AddressBook } from '../upload/address-book.ts'
import type { ObserveStep } from './steps.ts'

export interface Catalog {
  readonly db: Db
  readonly registry: StorageRegistry
  readonly stage: StageWriter
  readonly tables: TableReader
  readonly commits: CommitCache
  readonly addresses: AddressBook
  readonly options: CatalogOptions
  readonly observe: ObserveStep
}

export interface CatalogOptions {
  readonly installationId: string
  /** Folder of ranges and metaranges under a namespace, `_lakefs` unless configured. */
  readonly blockStoragePrefix: string
  readonly rangePolicy: RangePolicy
  /** Refuse a namespace with lakeFS's old marker `dummy` at its root. */
  readonly ensureReadableRootNamespace: boolean
}
