/** Copying an object inside a repository: its bytes too, so that neither copy depends on the other. */
import type { BlockAdapter, GetResult, Location } from '../block/adapter.ts'
import { DomainError } from '../errors.ts'
import type { Entry } from '../model.ts'
import { registerPartition } from '../upload/partitions.ts'
import { type Place, placeOf } from './addresses.ts'
import type { Caller, Catalog } from './catalog.ts'
import { now } from './clock.ts'
import { type ObjectRecord, statObject } from './entries.ts'
import { openTarget, stageEntry, type WriteTarget } from './write-objects.ts'

export interface Copy extends WriteTarget {
  /** A ref expression; null: the branch that is written to. */
  readonly sourceRef: string | null
  readonly sourcePath: Buffer
}

/**
 * Copies an object to a path of a branch, with its content type, metadata and checksum. The bytes move inside the storage where it
 * can, else through this process, in bounded memory.
 *
 * @throws branch_not_found for the destination, ref_not_found, entry_not_found, read_only, storage_*, outcome_unknown
 */
export async function copyObject(catalog: Catalog, caller: Caller, copy: Copy): Promise<ObjectRecord> {
  const { repository, branch, path } = await openTarget(catalog, caller, copy, false)
  const { sourceRef, sourcePath } = copy
  const source = await statObject(catalog, caller, copy.repository, sourceRef ?? branch, sourcePath)
  if (source.repository.uid !== repository.uid) throw new DomainError('repository_not_found', 'repository not found')
  const storage = catalog.registry.get(repository.storageId)
  const address = await catalog.addresses.next((partition) => registerPartition(catalog.db, partition))
  const location = storage.adapter.locate(repository.namespace, address)
  await copyBytes(placeOf(catalog.registry, repository, source.entry), { storage, location }, source.entry)
  catalog.observe('upload.stored')
  const { storageId: _, ...kept } = source.entry
  const entry: Entry = { ...kept, address, addressType: 'relative', lastModified: now() }
  // Large bytes take a while.
  await openTarget(catalog, caller, copy, false)
  await stageEntry(catalog, repository, branch, path, entry, false)
  catalog.observe('upload.staged')
  return { repository, path, entry, uri: location.uri }
}

async function copyBytes(from: Place, to: Place, { contentType }: Entry): Promise<void> {
  const { adapter } = to.storage
  if (from.storage.adapter === adapter && adapter.capabilities.serverSideCopy) {
    await adapter.copy(from.location, to.location)
    return
  }
  await stream(await from.storage.adapter.get(from.location), adapter, to.location, contentType)
}

async function stream(
  { body, sizeBytes }: GetResult,
  adapter: BlockAdapter,
  location: Location,
  contentType: string,
): Promise<void> {
  const source = body instanceof Blob ? body.stream() : body
  await adapter.put(location, source instanceof Uint8Array ? source : { stream: source, sizeBytes }, {
    unique: true,
    ...(contentType === '' ? {} : { contentType }),
  })
}
