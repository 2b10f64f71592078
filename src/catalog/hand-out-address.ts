/** Addresses that are handed out: the client writes to the storage itself, and links what it wrote (`external-objects.ts`). */
import type { PresignedUrl } from '../block/adapter.ts'
import { parseBranchName, parseObjectPath } from '../refs/names.ts'
import { registerPartition } from '../upload/partitions.ts'
import { signAddress } from '../upload/signed-address.ts'
import type { Caller, Catalog } from './catalog.ts'
import { findRepository } from './resolve.ts'

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
