/** URLs by which clients read objects from the storages themselves. */
import type { PresignedUrl } from '../block/adapter.ts'
import type { Storage } from '../block/registry.ts'
import { DomainError, isDomainError } from '../errors.ts'
import type { ObjectPath, Repository } from '../model.ts'
import { type Place, placeOf } from './addresses.ts'
import type { Catalog } from './catalog.ts'
import type { ListedItem, ObjectRecord } from './entries.ts'

/** @throws storage_unsupported for a storage without presigned URLs, storage_unavailable for one that is down */
export function requirePresign({ id, adapter, downReason }: Storage): void {
  if (adapter.capabilities.presign) return
  if (downReason !== null) throw new DomainError('storage_unavailable', `cannot presign: ${downReason}`)
  throw new DomainError('storage_unsupported', `cannot presign: storage "${id}" has no presigned URLs`)
}

/** A URL that reads an object; browsers save what they get, under the last name of its path. @throws as `requirePresign` */
export async function presignObject(catalog: Catalog, record: ObjectRecord): Promise<PresignedUrl> {
  const place = placeOf(catalog.registry, record.repository, record.entry)
  requirePresign(place.storage)
  return presign(place, record.path)
}

/**
 * URLs for a page of a listing, null for what keeps its address: common prefixes, what `mayRead` denies, and objects whose own storage
 * or address does not allow it.
 *
 * @throws as `requirePresign` for the repository's storage; storage_unavailable when no object under its namespace could have one
 */
export function presignItems(
  catalog: Catalog,
  repository: Repository,
  items: readonly ListedItem[],
  mayRead: (path: ObjectPath) => boolean,
): Promise<readonly (PresignedUrl | null)[]> {
  requirePresign(catalog.registry.get(repository.storageId))
  return Promise.all(
    items.map((item) => ('commonPrefix' in item || !mayRead(item.path) ? null : presignIfPossible(catalog, item))),
  )
}

/** Null when this object has no URL, whatever the reason: one odd entry must not take the page with it. */
async function presignIfPossible(catalog: Catalog, { repository, entry, path }: ObjectRecord) {
  try {
    const place = placeOf(catalog.registry, repository, entry)
    return place.storage.adapter.capabilities.presign ? await presign(place, path) : null
  } catch (error) {
    if (!isDomainError(error)) throw error
    // Under the repository's own namespace it is no matter of one object, and URLs without a word would be missing all over the page.
    if (error.code === 'storage_unavailable' && entry.addressType === 'relative') throw error
    return null
  }
}

function presign({ storage, location }: Place, path: ObjectPath): Promise<PresignedUrl> {
  const name = path.toString()
  const downloadName = name.slice(name.lastIndexOf('/') + 1)
  return storage.adapter.presign(location, 'GET', downloadName === '' ? {} : { downloadName })
}
