/** How objects are shown. */
import type { PresignedUrl } from '../block/adapter.ts'
import type { ObjectRecord } from '../catalog/entries.ts'

/** What an entry without a type of its own (an imported one) is shown as. */
const CONTENT_TYPE_DEFAULT = 'application/octet-stream'

/** `ObjectStats` of the contract without metadata. Keys that are not UTF-8 show U+FFFD for each bad byte, as lakeFS shows them. */
export function showPlainObject({ path, entry, uri }: ObjectRecord) {
  return {
    path: path.toString(),
    path_type: 'object',
    physical_address: uri,
    checksum: entry.eTag,
    size_bytes: entry.sizeBytes,
    mtime: entry.lastModified.seconds,
    content_type: entry.contentType === '' ? CONTENT_TYPE_DEFAULT : entry.contentType,
  }
}

/** `ObjectStats` with metadata: `{}` when there is none. */
export function showObject(record: ObjectRecord) {
  return { ...showPlainObject(record), metadata: record.entry.metadata }
}

/** As a listing shows it: without the key when there is no metadata. */
export function showListedObject(record: ObjectRecord) {
  for (const _ in record.entry.metadata) return showObject(record)
  return showPlainObject(record)
}

/** What takes the address's place when clients are to read from the storage. */
export function showPresigned({ url, expiresAtSeconds }: PresignedUrl) {
  return { physical_address: url, physical_address_expiry: expiresAtSeconds }
}

/** A common prefix in a listing: the fields that the contract requires are there and say nothing. */
export function showCommonPrefix(prefix: Buffer) {
  return { path: prefix.toString(), path_type: 'common_prefix', physical_address: '', checksum: '', mtime: 0 }
}
