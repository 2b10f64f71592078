/** Uploads past this server: an address is handed out, the client writes to the storage itself, and links what it wrote. */
import type { PresignedUrl } from '../block/adapter.ts'
import { DomainError, isDomainError } from '../errors.ts'
import type { Entry } from '../model.ts'
import { parseBranchName, parseObjectPath } from '../refs/names.ts'
import { registerPartition } from '../upload/partitions.ts'
import { signAddress, verifySignedAddress } from '../upload/signed-address.ts'
import { normalizeAddress } from './addresses.ts'
import type { Caller, Catalog } from './catalog.ts'
import { now } from './clock.ts'
import { type ObjectRecord, showRecord } from './entries.ts'
import { refuseForeignPlace } from './foreign-place.ts'
import { findRepository } from './resolve.ts'
import { DEFAULT_CONTENT_TYPE, openTarget, type Staging, stageEntry } from './write-objects.ts'

export interface AddressRequest {
  readonly repository: string
  /** Not looked up: linking does that. */
  readonly branch: string
  readonly path: Buffer
  readonly presign: boolean
}

/** Where a client may write an object that it will link. */
export interface HandedAddress {
  readonly uri: string
  /** Null: not asked for. */
  readonly presigned: PresignedUrl | null
}

/**
 * Hands out an address for one path of one branch, to be linked within 24 hours.
 *
 * @throws repository_not_found, storage_unsupported when it is to be presigned and the storage cannot
 */
export async function getPhysicalAddress(
  catalog: Catalog,
  caller: Caller,
  wanted: AddressRequest,
): Promise<HandedAddress> {
  const branch = parseBranchName(wanted.branch)
  const path = parseObjectPath(wanted.path)
  const repository = await findRepository(catalog, caller, wanted.repository)
  const { adapter, signingKey } = catalog.registry.get(repository.storageId)
  const address = await catalog.addresses.next((partition) => registerPartition(catalog.db, partition))
  const signed = signAddress(signingKey, { repositoryUid: repository.uid, branch, path }, address)
  const location = adapter.locate(repository.namespace, signed)
  return { uri: location.uri, presigned: wanted.presign ? await adapter.presign(location, 'PUT') : null }
}

export interface Link extends Staging {
  /** Only where nothing is. */
  readonly ifAbsent: boolean
}

/**
 * Makes an entry for bytes that a client has stored; neither they nor their checksum are looked at. Under the repository's `data/`
 * only an address that was handed out for this very path and branch; elsewhere in the storage any that is no other repository's.
 *
 * @throws branch_not_found, address_invalid, precondition_failed, read_only, outcome_unknown
 */
export async function linkPhysicalAddress(catalog: Catalog, caller: Caller, link: Link): Promise<ObjectRecord> {
  const { repository, branch, path, exists } = await openTarget(catalog, caller, link, link.ifAbsent)
  if (exists) throw pathExists()
  const storage = catalog.registry.get(repository.storageId)
  const address = normalizeAddress(storage, repository, link.physicalAddress, catalog.options.blockStoragePrefix)
  const lastModified = now()
  if (address.addressType === 'full') await refuseForeignPlace(catalog, storage, repository, address.address)
  else if (address.address.startsWith('data/')) {
    const target = { repositoryUid: repository.uid, branch, path }
    verifySignedAddress(storage.signingKey, target, address.address, lastModified.seconds)
  }
  const entry: Entry = {
    ...address,
    lastModified: link.mtimeSeconds === null ? lastModified : { seconds: link.mtimeSeconds, nanos: 0 },
    sizeBytes: link.sizeBytes,
    eTag: link.checksum,
    metadata: link.metadata,
    contentType: link.contentType ?? DEFAULT_CONTENT_TYPE,
  }
  try {
    await stageEntry(catalog, repository, branch, path, entry, link.ifAbsent)
  } catch (cause) {
    throw isDomainError(cause, 'precondition_failed') ? pathExists(cause) : cause
  }
  return showRecord(catalog, repository, path, entry)
}

/** With lakeFS's text, which is another than that of uploads. */
function pathExists(cause?: unknown): DomainError {
  return new DomainError('precondition_failed', 'Precondition failed', { cause })
}
