import { Buffer } from 'node:buffer'
import type { Block } from './block.ts'
import { copyBytes, grow } from './block-builder.ts'
import { corrupt } from './corrupt.ts'

const noBlock: Block = { payload: Buffer.from('0000000001000000', 'hex'), restartsAt: 0, restartCount: 1 }

/**
 * Walks a block's entries without an object per entry: after `next` or `seek` answered true, the key is
 * `keyBytes[0..keyLength)` and the value `payload[valueStart..valueEnd)`. `keyBytes` is overwritten by the next step.
 */
export class BlockCursor {
  keyBytes: Buffer = Buffer.allocUnsafe(256)
  /** Length of the key without its trailer; -1 before the first entry. */
  keyLength = -1
  payload: Buffer = noBlock.payload
  valueStart = 0
  valueEnd = 0

  readonly #trailerBytes: number
  #block: Block = noBlock
  #at = 0
  #encodedLength = 0

  /** @param trailerBytes bytes after each user key: 8 in data and index blocks, 0 in property and metaindex blocks */
  constructor(trailerBytes: 0 | 8) {
    this.#trailerBytes = trailerBytes
  }

  /** Stands before the first entry of `block`. */
  reset(block: Block): void {
    this.#block = block
    this.payload = block.payload
    this.keyLength = -1
    this.#jump(0)
  }

  /** Moves to the following entry; false at the end. @throws corrupt */
  next(): boolean {
    const payload = this.payload
    const end = this.#block.restartsAt
    let at = this.#at
    if (at >= end) return false
    // At least eight bytes of restart table follow the entries, so these four reads are inside.
    let shared = payload[at] as number
    let unshared = payload[at + 1] as number
    let valueLength = payload[at + 2] as number
    const more = payload[at + 3] as number
    if ((shared | unshared | valueLength) < 128) at += 3
    else if ((shared | unshared | more) < 128) {
      valueLength = (valueLength & 0x7f) | (more << 7)
      at += 4
    } else {
      shared = this.#varint()
      unshared = this.#varint()
      valueLength = this.#varint()
      at = this.#at
    }
    const encodedLength = shared + unshared
    const valueStart = at + unshared
    if (shared > this.#encodedLength || encodedLength < this.#trailerBytes || valueStart + valueLength > end) {
      throw corrupt('a block entry is malformed')
    }
    if (encodedLength > this.keyBytes.length) this.keyBytes = grow(this.keyBytes, shared, encodedLength)
    copyBytes(payload, at, valueStart, this.keyBytes, shared)
    this.#encodedLength = encodedLength
    this.keyLength = encodedLength - this.#trailerBytes
    this.valueStart = valueStart
    this.valueEnd = valueStart + valueLength
    this.#at = this.valueEnd
    return true
  }

  /** Moves to the first entry of the block whose key is >= `key`, wherever it stood before; false when there is none. @throws corrupt */
  seek(key: Uint8Array): boolean {
    // The last restart below the key; the entry looked for is in its run or the first of the next.
    let low = 0
    for (let high = this.#block.restartCount; high - low > 1; ) {
      const middle = (low + high) >>> 1
      this.#jump(middle)
      if (!this.next()) throw corrupt('a restart lies outside its block')
      if (this.compareKey(key) < 0) low = middle
      else high = middle
    }
    this.#jump(low)
    while (this.next()) if (this.compareKey(key) >= 0) return true
    return false
  }

  /** Order of the current key against `key`: negative, zero or positive. */
  compareKey(key: Uint8Array): number {
    return this.keyBytes.compare(key, 0, key.length, 0, this.keyLength)
  }

  /** A copy of the current key. */
  copyKey(): Buffer {
    const copy = Buffer.allocUnsafe(this.keyLength)
    copyBytes(this.keyBytes, 0, this.keyLength, copy, 0)
    return copy
  }

  /** The current value, a view of the block. */
  value(): Buffer {
    return this.payload.subarray(this.valueStart, this.valueEnd)
  }

  #jump(restart: number): void {
    this.#at = restart === 0 ? 0 : this.payload.readUInt32LE(this.#block.restartsAt + 4 * restart)
    this.#encodedLength = 0
  }

  #varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.payload[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 128) return value
    }
    throw corrupt('a block entry is malformed')
  }
}
