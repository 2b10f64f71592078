/**
 * Where an entry's bytes lie, and what address an entry gets. Every pointer to bytes knows its storage: the repository's own, unless
 * the entry names another; a full address without one means the storage at the repository's creation.
 */
import type { Location } from '../block/adapter.ts'
import { isFullAddress } from '../block/namespace.ts'
import type { Storage, StorageRegistry } from '../block/registry.ts'
import { DomainError } from '../errors.ts'
import type { AddressType, Entry, Repository } from '../model.ts'

/** A place in a storage. */
export interface Place {
  readonly storage: Storage
  readonly location: Location
}

/** The storage and place of an entry's bytes. @throws storage_unknown, address_invalid */
export function placeOf(registry: StorageRegistry, repository: Repository, entry: Entry): Place {
  const { address, addressType } = entry
  const full = addressType === 'full' || (addressType === 'legacy' && isFullAddress(address))
  if (!full) {
    const storage = registry.get(repository.storageId)
    return { storage, location: storage.adapter.locate(repository.namespace, address) }
  }
  const storage = registry.get(entry.storageId ?? repository.homeStorageId)
  return { storage, location: storage.adapter.locateFull(address) }
}

/** What clients are shown as `physical_address`: a URI; an address that cannot be read is shown as it stands. */
export function shownAddress(registry: StorageRegistry, repository: Repository, entry: Entry): string {
  try {
    return placeOf(registry, repository, entry).location.uri
  } catch {
    return entry.address
  }
}

/** Segments that a storage may fold or climb by. */
const UNSAFE_SEGMENT = /(?:^|\/)(?:\.{0,2})(?:\/|$)/
/** Keys that no URL can carry. */
const UNREADABLE_KEY = /^$|(?:^|\/)\.{1,2}(?:\/|$)/

/** How an entry keeps the place of its bytes. */
export interface NormalAddress {
  readonly address: string
  readonly addressType: AddressType
}

/**
 * How an address that a client names is kept: relative when it lies in the repository's own namespace, however it is spelled, else
 * full.
 *
 * @throws address_invalid with lakeFS's text when the storage cannot have or read such an address; for what would climb out of the
 *   namespace or lies among its committed tables; storage_unavailable when a storage that is down would have to judge the place
 */
export function normalizeAddress(
  storage: Storage,
  repository: Repository,
  physicalAddress: string,
  tablesFolder: string,
): NormalAddress {
  const { adapter, downReason } = storage
  if (!new RegExp(adapter.rules.validity).test(physicalAddress)) throw notValid(storage)
  const { namespace } = repository
  for (const root of [namespace, adapter.locate(namespace, '').uri]) {
    const own = root.endsWith('/') ? root : `${root}/`
    if (physicalAddress.startsWith(own)) return ownAddress(storage, physicalAddress.slice(own.length), tablesFolder)
  }
  if (downReason !== null)
    throw new DomainError('storage_unavailable', `cannot judge "${physicalAddress}": ${downReason}`)
  const location = locateFull(storage, physicalAddress)
  const folder = adapter.canonicalNamespace(namespace)
  const place = adapter.canonicalLocation(location)
  if (folder.some((segment, at) => place[at] !== segment)) return { address: physicalAddress, addressType: 'full' }
  // Another spelling of a place in the own namespace: a link on a disk, or a key that only looks like it.
  const own = ownAddress(storage, place.slice(folder.length).join('/'), tablesFolder)
  if (adapter.locate(namespace, own.address).key !== location.key) throw notValid(storage)
  return own
}

function ownAddress(storage: Storage, address: string, tablesFolder: string): NormalAddress {
  if (UNSAFE_SEGMENT.test(address) || address.startsWith(`${tablesFolder}/`)) throw notValid(storage)
  return { address, addressType: 'relative' }
}

function locateFull(storage: Storage, uri: string): Location {
  let location: Location
  try {
    location = storage.adapter.locateFull(uri)
  } catch (cause) {
    throw notValid(storage, cause)
  }
  if (UNREADABLE_KEY.test(location.key)) throw notValid(storage)
  return location
}

function notValid(storage: Storage, cause?: unknown): DomainError {
  return new DomainError('address_invalid', `physical address is not valid for block adapter: ${storage.type}`, {
    cause,
  })
}
