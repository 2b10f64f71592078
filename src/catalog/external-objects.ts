/** Entries for bytes that a client has stored itself: neither they nor their size and checksum are looked at. */
import { DomainError, isDomainError } from '../errors.ts'
import type { BranchName, Entry, ObjectPath, Repository } from '../model.ts'
import { verifySignedAddress } from '../upload/signed-address.ts'
import { type NormalAddress, normalizeAddress } from './addresses.ts'
import type { Caller, Catalog } from './catalog.ts'
import { now } from './clock.ts'
import { type ObjectRecord, showRecord } from './entries.ts'
import { refuseForeignPlace } from './foreign-place.ts'
import { DEFAULT_CONTENT_TYPE, openTarget, stageEntry, type WriteTarget } from './write-objects.ts'

export interface ExternalObject extends WriteTarget {
  readonly physicalAddress: string
  readonly checksum: string
  readonly sizeBytes: number
  /** Null: now. */
  readonly mtimeSeconds: number | null
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType: string | null
}

/**
 * Makes an entry for bytes anywhere in the repository's storage that are no other repository's.
 *
 * @throws branch_not_found, branch_protected, read_only, outcome_unknown; address_invalid for an address that the storage cannot have,
 *   or that lies in another repository's namespace
 */
export function stageObject(catalog: Catalog, caller: Caller, external: ExternalObject): Promise<ObjectRecord> {
  return stageExternal(catalog, caller, { ...external, ifAbsent: false, signed: false })
}

export interface Link extends ExternalObject {
  /** Only where nothing is. */
  readonly ifAbsent: boolean
}

/**
 * As `stageObject`, but under the repository's `data/` only an address that was handed out for this very path and branch.
 *
 * @throws as `stageObject`; precondition_failed
 */
export async function linkPhysicalAddress(catalog: Catalog, caller: Caller, link: Link): Promise<ObjectRecord> {
  try {
    return await stageExternal(catalog, caller, { ...link, signed: true })
  } catch (cause) {
    // lakeFS's text, which is another than that of uploads.
    if (!isDomainError(cause, 'precondition_failed')) throw cause
    throw new DomainError('precondition_failed', 'Precondition failed', { cause })
  }
}

type Wanted = Link & {
  /** Under `data/` the address must have been handed out. */
  readonly signed: boolean
}

async function stageExternal(catalog: Catalog, caller: Caller, wanted: Wanted): Promise<ObjectRecord> {
  const { repository, branch, path, exists } = await openTarget(catalog, caller, wanted, wanted.ifAbsent)
  if (exists) throw new DomainError('precondition_failed', 'path already exists')
  const receivedAt = now()
  const target = { repository, branch, path }
  const entry: Entry = {
    ...(await findAddress(catalog, target, wanted, receivedAt.seconds)),
    lastModified: wanted.mtimeSeconds === null ? receivedAt : { seconds: wanted.mtimeSeconds, nanos: 0 },
    sizeBytes: wanted.sizeBytes,
    eTag: wanted.checksum,
    metadata: wanted.metadata,
    contentType: wanted.contentType ?? DEFAULT_CONTENT_TYPE,
  }
  await stageEntry(catalog, repository, branch, path, entry, wanted.ifAbsent)
  return showRecord(catalog, repository, path, entry)
}

async function findAddress(
  catalog: Catalog,
  target: { readonly repository: Repository; readonly branch: BranchName; readonly path: ObjectPath },
  { physicalAddress, signed }: Wanted,
  nowSeconds: number,
): Promise<NormalAddress> {
  const { repository, branch, path } = target
  const storage = catalog.registry.get(repository.storageId)
  const found = normalizeAddress(storage, repository, physicalAddress, catalog.options.blockStoragePrefix)
  if (found.addressType === 'full') await refuseForeignPlace(catalog, storage, repository, found.address)
  else if (signed && found.address.startsWith('data/'))
    verifySignedAddress(storage.signingKey, { repositoryUid: repository.uid, branch, path }, found.address, nowSeconds)
  return found
}
