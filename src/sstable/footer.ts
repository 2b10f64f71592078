import { Buffer } from 'node:buffer'
import { corrupt } from './corrupt.ts'
import { putUvarint, VarintReader } from './varint.ts'

/** Length of the footer, the last bytes of every table. */
export const footerBytes = 53
/** Bytes after every block: one for the compression, four for the masked CRC. */
export const blockTrailerBytes = 5
const magic = Buffer.from('f7cff485b741e288', 'hex')
const versionAt = 41
const magicAt = 45
const checksumCrc32c = 1
const formatVersion = 2

/** Where a block lies in its file; the length leaves out the five trailer bytes. */
export interface BlockHandle {
  readonly offset: number
  readonly length: number
}

/** Where reading a table starts. */
export interface Footer {
  readonly metaindex: BlockHandle
  readonly index: BlockHandle
}

/** Writes `uvarint(offset) uvarint(length)` and answers the position after it. */
export function putHandle(target: Uint8Array, at: number, handle: BlockHandle): number {
  return putUvarint(target, putUvarint(target, at, handle.offset), handle.length)
}

/** Reads a handle written by `putHandle`. @throws corrupt */
export function readHandle(reader: VarintReader): BlockHandle {
  const offset = reader.uvarint()
  return { offset, length: reader.uvarint() }
}

/**
 * The footer of RocksDB's block-based table, version 2:
 *
 * ```
 *  0   1  checksum type: 1 = CRC-32C
 *  1  40  metaindex handle, index handle (uvarint pairs), zeros
 * 41   4  le32 format version = 2
 * 45   8  magic f7 cf f4 85 b7 41 e2 88
 * ```
 */
export function encodeFooter(footer: Footer): Buffer {
  const bytes = Buffer.alloc(footerBytes)
  bytes[0] = checksumCrc32c
  putHandle(bytes, putHandle(bytes, 1, footer.metaindex), footer.index)
  bytes.writeUInt32LE(formatVersion, versionAt)
  bytes.set(magic, magicAt)
  return bytes
}

/** Reads the last `footerBytes` bytes of a table. @throws corrupt for another magic, version or checksum type */
export function parseFooter(bytes: Uint8Array): Footer {
  if (bytes.length !== footerBytes) throw corrupt('it is shorter than a footer')
  if (magic.compare(bytes, magicAt) !== 0) throw corrupt('bad magic number')
  if (bytes[versionAt] !== formatVersion) throw corrupt(`format version ${bytes[versionAt]}`)
  if (bytes[0] !== checksumCrc32c) throw corrupt(`checksum type ${bytes[0]}`)
  const reader = new VarintReader(bytes.subarray(0, versionAt), 1)
  const metaindex = readHandle(reader)
  return { metaindex, index: readHandle(reader) }
}
