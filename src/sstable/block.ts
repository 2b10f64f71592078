import { Buffer } from 'node:buffer'
import { corrupt } from './corrupt.ts'
import { maskedCrc32c } from './crc32c.ts'
import { blockTrailerBytes } from './footer.ts'
import { snappyDecode } from './snappy-decode.ts'

/** One block ready to be searched: its uncompressed payload (layout in `block-builder.ts`), owned by nobody else. */
export interface Block {
  readonly payload: Buffer
  /** Where entries end and the restart offsets begin. */
  readonly restartsAt: number
  readonly restartCount: number
}

/**
 * Reads the block stored at `start` of `bytes` with `length` payload bytes and its five trailer bytes. The result never shares
 * memory with `bytes`.
 * @throws corrupt when the checksum differs, the compression is unknown or the payload is malformed
 */
export function decodeBlock(bytes: Uint8Array, start: number, length: number): Block {
  const end = start + length
  if (start < 0 || end + blockTrailerBytes > bytes.length) throw corrupt('a block lies outside the file')
  const stored =
    ((bytes[end + 1] as number) |
      ((bytes[end + 2] as number) << 8) |
      ((bytes[end + 3] as number) << 16) |
      ((bytes[end + 4] as number) << 24)) >>>
    0
  if (stored !== maskedCrc32c(bytes, start, end + 1)) throw corrupt('a block fails its checksum')
  const type = bytes[end]
  if (type === 1) return parsePayload(snappyDecode(bytes, start, end))
  if (type !== 0) throw corrupt(`block compression ${type} is not known`)
  const payload = Buffer.allocUnsafeSlow(length)
  payload.set(bytes.subarray(start, end))
  return parsePayload(payload)
}

function parsePayload(payload: Buffer): Block {
  if (payload.length < 8) throw corrupt('a block is too short')
  const restartCount = payload.readUInt32LE(payload.length - 4)
  const restartsAt = payload.length - 4 - 4 * restartCount
  if (restartCount === 0 || restartsAt < 0) throw corrupt('a block has a bad restart table')
  return { payload, restartsAt, restartCount }
}
