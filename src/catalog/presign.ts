/** URLs by which clients read objects from the storages themselves. */
import type { PresignedUrl } from '../block/adapter.ts'
import type { Storage } from '../block/registry.ts'
import { DomainError } from '../errors.ts'
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
 * @throws as `requirePresign` for the repository's storage
 */
export function presignItems(
  catalog: Catalog,
  repository: Repository,
  items: readonly ListedItem[],
  mayRead: (path: ObjectPath) => boolean,
): Promise<readonly (PresignedUrl | null)[]> {
  requirePresign(catalog.registry.get(repository.storageId))
  return Promise.all(
    items.map((item) => {
      if ('commonPrefix' in item || !mayRead(item.path)) return null
      const place = readablePlace(catalog, item)
      return place?.storage.adapter.capabilities.presign ? presign(place, item.path) : null
    }),
  )
}

function readablePlace(catalog: Catalog, { repository, entry }: ObjectRecord): Place | null {
  try {
    return placeOf(catalog.registry, repository, entry)
  } catch {
    return null
  }
}

function presign({ storage, location }: Place, path: ObjectPath): Promise<PresignedUrl> {
  const name = path.toString()
  const downloadName = name.slice(name.lastIndexOf('/') + 1)
  return storage.adapter.presign(location, 'GET', downloadName === '' ? {} : { downloadName })
}
