/** How objects are shown. */
import type { ObjectRecord } from '../catalog/entries.ts'

/** Metadata keys that the server keeps for itself. */
const CONTENT_TYPE_DEFAULT = 'application/octet-stream'

/** `ObjectStats` of the contract. Keys that are not UTF-8 show U+FFFD for each bad byte, as lakeFS shows them. */
export function showObject({ path, entry, uri }: ObjectRecord, options: { metadata: 'shown' | 'empty' | 'omitted-when-empty' }) {
  const shown = {
    path: path.toString(),
    path_type: 'object',
    physical_address: uri,
    checksum: entry.eTag,
    size_bytes: entry.sizeBytes,
    mtime: entry.lastModified.seconds,
    content_type: entry.contentType === '' ? CONTENT_TYPE_DEFAULT : entry.contentType,
  }
  if (options.metadata === 'shown') return { ...shown, metadata: entry.metadata }
  if (options.metadata === 'empty') return { ...shown, metadata: {} }
  for (const _ in entry.metadata) return { ...shown, metadata: entry.metadata }
  return shown
}

/** A common prefix in a listing: the fields that the contract requires are there and say nothing. */
export function showCommonPrefix(prefix: Buffer) {
  return { path: prefix.toString(), path_type: 'common_prefix', physical_address: '', checksum: '', mtime: 0 }
}
