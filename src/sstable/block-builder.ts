import { Buffer } from 'node:buffer'
import { putUvarint, uvarintLength } from './varint.ts'

/** Target size of a block before compression, as pebble's default. */
const blockBytes = 4096
/** A block at or below this many estimated bytes takes the next entry whatever its size: (4096 * 90 + 99) / 100. */
const keepBelowBytes = 3687

/** What follows the user key of a data entry: sequence number 0, kind 1 (SET), as le64. */
export const dataTrailer = Buffer.from('0100000000000000', 'hex')
/** What follows a shortened separator: sequence number 2^56-1, kind 17. */
export const separatorTrailer = Buffer.from('11ffffffffffffff', 'hex')
/** What stands alone as the only index key of an empty table: kind 255. */
export const emptyTableTrailer = Buffer.from('ff00000000000000', 'hex')
/** Keys of property and metaindex blocks stand alone. */
export const noTrailer = Buffer.alloc(0)

/**
 * Builds one block's payload at a time, prefix-compressed with a restart point every `interval` entries:
 *
 * ```
 * entry…   uvarint(shared) uvarint(unshared) uvarint(value length) key[shared..] value
 * le32…    offset of each restart entry (shared = 0); one 0 for an empty block
 * le32     number of restarts
 * ```
 */
export class BlockBuilder {
  /** The payload so far; valid up to `sizeBytes`, replaced when it grows. */
  payload: Buffer = Buffer.allocUnsafeSlow(2 * blockBytes)
  /** Bytes of the entries added since the last `clear` (after `finish`: of the whole payload). */
  sizeBytes = 0
  /** Entries added since the last `clear`. */
  count = 0

  readonly #interval: number
  #restarts: number[] = []
  #lastKey: Buffer = Buffer.allocUnsafeSlow(256)
  #lastKeyBytes = 0

  /** @param interval entries per restart point: 16 in data blocks, 1 in index and metaindex blocks, Infinity in the properties block */
  constructor(interval: number) {
    this.#interval = interval
  }

  /** Payload bytes if the block ended here, as pebble estimates them: 4 for an empty block. */
  get estimatedBytes(): number {
    return this.sizeBytes + 4 * this.#restarts.length + 4
  }

  /** Whether the block must end before an entry of this encoded key and value length, by pebble's rule. */
  mustCut(keyBytes: number, valueBytes: number): boolean {
    if (this.count === 0) return false
    const size = this.estimatedBytes
    if (size >= blockBytes) return true
    if (size <= keepBelowBytes) return false
    const restart = this.count % this.#interval === 0 ? 4 : 0
    const lengths = 4 + uvarintLength(keyBytes) + uvarintLength(valueBytes)
    return size + keyBytes + valueBytes + restart + lengths > blockBytes
  }

  /** Appends the entry `key[keyStart..keyEnd) ++ trailer` → `value[valueStart..valueEnd)`. Keys come in ascending order. */
  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    trailer: Uint8Array,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const userBytes = keyEnd - keyStart
    const keyBytes = userBytes + trailer.length
    const valueBytes = valueEnd - valueStart
    this.#makeRoom(keyBytes + valueBytes + 30, keyBytes)
    const last = this.#lastKey
    let shared = 0
    if (this.count % this.#interval === 0) this.#restarts.push(this.sizeBytes)
    else {
      // The previous key counts with its trailer, the current one without: pebble's rule.
      const most = Math.min(userBytes, this.#lastKeyBytes)
      while (shared < most && last[shared] === key[keyStart + shared]) shared++
    }
    const payload = this.payload
    let at = this.sizeBytes
    at = putUvarint(payload, at, shared)
    at = putUvarint(payload, at, keyBytes - shared)
    at = putUvarint(payload, at, valueBytes)
    for (let i = shared; i < userBytes; i++) {
      const byte = key[keyStart + i] as number
      last[i] = byte
      payload[at++] = byte
    }
    for (let i = 0; i < trailer.length; i++) {
      const byte = trailer[i] as number
      last[userBytes + i] = byte
      payload[at++] = byte
    }
    this.sizeBytes = copyBytes(value, valueStart, valueEnd, payload, at)
    this.#lastKeyBytes = keyBytes
    this.count++
  }

  /** Appends the restart table: the payload is then `payload[0..sizeBytes)`. */
  finish(): void {
    if (this.#restarts.length === 0) this.#restarts.push(0)
    this.#makeRoom(4 * this.#restarts.length + 4, 0)
    for (const offset of this.#restarts) this.sizeBytes = this.payload.writeUInt32LE(offset, this.sizeBytes)
    this.sizeBytes = this.payload.writeUInt32LE(this.#restarts.length, this.sizeBytes)
  }

  /** Starts the next block in the same memory. */
  clear(): void {
    this.sizeBytes = 0
    this.count = 0
    this.#restarts = []
    this.#lastKeyBytes = 0
  }

  #makeRoom(payloadBytes: number, keyBytes: number): void {
    if (this.sizeBytes + payloadBytes > this.payload.length) {
      this.payload = grow(this.payload, this.sizeBytes, this.sizeBytes + payloadBytes)
    }
    if (keyBytes > this.#lastKey.length) this.#lastKey = grow(this.#lastKey, this.#lastKeyBytes, keyBytes)
  }
}

/** A larger buffer (at least doubled) that starts with the first `usedBytes` of `buffer`. */
export function grow(buffer: Buffer, usedBytes: number, neededBytes: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, neededBytes))
  larger.set(buffer.subarray(0, usedBytes))
  return larger
}

/** Copies `source[from..to)` to `at` of `target` and answers the position after it; quick for the short runs that records are made of. */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  if (to - from > 96) {
    target.set(source.subarray(from, to), at)
    return at + to - from
  }
  while (from < to) target[at++] = source[from++] as number
  return at
}
