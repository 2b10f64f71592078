/** The files of committed trees, for clients that read them themselves. */
import type { GetResult, PresignedUrl } from '../block/adapter.ts'
import { DomainError, isDomainError } from '../errors.ts'
import type { Place } from './addresses.ts'
import type { Caller, Catalog } from './catalog.ts'
import { requirePresign } from './presign.ts'
import { findRepository } from './resolve.ts'

/** A range or metarange: both lie in one folder, under ids of one form. */
export interface TableRequest {
  readonly repository: string
  readonly kind: 'range' | 'meta_range'
  readonly id: string
}

/** Where a table lies, relative to its repository's namespace. @throws entry_not_found */
export async function findTable(catalog: Catalog, caller: Caller, wanted: TableRequest): Promise<string> {
  const { place, address } = await locateTable(catalog, caller, wanted)
  if (!(await place.storage.adapter.exists(place.location))) throw notFound(wanted)
  return address
}

/** The bytes of a table. @throws entry_not_found, storage_* */
export async function openTable(catalog: Catalog, caller: Caller, wanted: TableRequest): Promise<GetResult> {
  const { place } = await locateTable(catalog, caller, wanted)
  try {
    return await place.storage.adapter.get(place.location)
  } catch (cause) {
    throw isDomainError(cause, 'storage_not_found') ? notFound(wanted, cause) : cause
  }
}

/** A URL that reads a table from its storage. @throws entry_not_found, storage_unsupported */
export async function presignTable(catalog: Catalog, caller: Caller, wanted: TableRequest): Promise<PresignedUrl> {
  const { place } = await locateTable(catalog, caller, wanted)
  const { storage, location } = place
  requirePresign(storage)
  if (!(await storage.adapter.exists(location))) throw notFound(wanted)
  return storage.adapter.presign(location, 'GET')
}

async function locateTable(
  catalog: Catalog,
  caller: Caller,
  wanted: TableRequest,
): Promise<{ place: Place; address: string }> {
  const repository = await findRepository(catalog, caller, wanted.repository)
  if (!/^[0-9a-f]{64}$/.test(wanted.id)) throw notFound(wanted)
  const storage = catalog.registry.get(repository.storageId)
  const address = `${catalog.options.blockStoragePrefix}/${wanted.id}`
  return { place: { storage, location: storage.adapter.locate(repository.namespace, address) }, address }
}

function notFound({ kind, id }: TableRequest, cause?: unknown): DomainError {
  return new DomainError('entry_not_found', `${kind} "${id}": not found`, { cause })
}
