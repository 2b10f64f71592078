/**
 * The object that says who owns a storage namespace. lakeFS writes free text there and only asks whether it exists, so ours can say
 * more: the installation, the repository and the storage that a namespace belongs to.
 */
import type { RepositoryUid, StorageId } from '../model.ts'

/** Who owns a namespace. */
export interface NamespaceMarker {
  readonly installationId: string
  readonly repositoryUid: RepositoryUid
  readonly storageId: StorageId
}

/** A marker as found: one of ours, or a text that somebody else wrote (lakeFS, mostly). */
export type FoundMarker = ({ readonly kind: 'ours' } & NamespaceMarker) | { readonly kind: 'foreign' }

/** Identifier of the marker under a namespace; `prefix` is `committed.block_storage_prefix`. lakeFS: `pkg/api/controller.go`. */
export function markerIdentifier(prefix = '_lakefs'): string {
  return `${prefix}/dummy`
}

/** Longest marker that is looked at, in bytes. */
const MARKER_LIMIT_BYTES = 4096

/** The marker's bytes: one line of JSON. */
export function encodeMarker(marker: NamespaceMarker): Uint8Array {
  return Buffer.from(
    `${JSON.stringify({
      interlaken: 1,
      installation_id: marker.installationId,
      repository_uid: marker.repositoryUid,
      storage_id: marker.storageId,
    })}\n`,
  )
}

/** Reads a marker; whatever is not ours is foreign, never an error. */
export function decodeMarker(bytes: Uint8Array): FoundMarker {
  if (bytes.length > MARKER_LIMIT_BYTES) return { kind: 'foreign' }
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } catch {
    return { kind: 'foreign' }
  }
  if (typeof value !== 'object' || value === null || !('interlaken' in value) || value.interlaken !== 1) {
    return { kind: 'foreign' }
  }
  const fields = value as Partial<Record<string, unknown>>
  const { installation_id: installationId, repository_uid: repositoryUid, storage_id: storageId } = fields
  if (typeof installationId !== 'string' || typeof repositoryUid !== 'string' || typeof storageId !== 'string') {
    return { kind: 'foreign' }
  }
  return {
    kind: 'ours',
    installationId,
    repositoryUid: repositoryUid as RepositoryUid,
    storageId: storageId as StorageId,
  }
}
