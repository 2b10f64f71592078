import { Buffer } from 'node:buffer'
import type { Block } from './block.ts'
import { BlockCursor } from './block-cursor.ts'
import { corrupt } from './corrupt.ts'
import { type BlockHandle, readHandle } from './footer.ts'
import { VarintReader } from './varint.ts'

/** A table's index, both levels flattened: the separators of all data blocks in one buffer and where the blocks lie. */
export class TableIndex {
  /** Data blocks of the table. */
  readonly count: number
  readonly #keys: Buffer
  readonly #keyEnds: Uint32Array
  readonly #offsets: Float64Array
  readonly #lengths: Uint32Array

  constructor(keys: Buffer, keyEnds: Uint32Array, offsets: Float64Array, lengths: Uint32Array) {
    this.count = keyEnds.length
    this.#keys = keys
    this.#keyEnds = keyEnds
    this.#offsets = offsets
    this.#lengths = lengths
  }

  /** Bytes of memory held. */
  get sizeBytes(): number {
    return this.#keys.length + 16 * this.count
  }

  /** The only block that can hold `key`: the first whose separator is >= it; `count` when the key is above them all. */
  find(key: Uint8Array): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const start = middle === 0 ? 0 : (this.#keyEnds[middle - 1] as number)
      if (this.#keys.compare(key, 0, key.length, start, this.#keyEnds[middle]) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** File offset of block `at`. */
  offset(at: number): number {
    return this.#offsets[at] ?? 0
  }

  /** Payload length of block `at` as stored, without its trailer. */
  length(at: number): number {
    return this.#lengths[at] ?? 0
  }
}

/** Gathers index blocks into a `TableIndex`. */
export class TableIndexBuilder {
  readonly #cursor = new BlockCursor(8)
  readonly #keys: Buffer[] = []
  readonly #handles: BlockHandle[] = []

  /** Takes in one index block. @throws corrupt */
  addBlock(block: Block): void {
    this.#cursor.reset(block)
    while (this.#cursor.next()) {
      const handle = readHandle(new VarintReader(this.#cursor.value()))
      if (handle.length > 0xffffffff) throw corrupt('an index entry is malformed')
      this.#keys.push(this.#cursor.copyKey())
      this.#handles.push(handle)
    }
  }

  handles(): readonly BlockHandle[] {
    return this.#handles
  }

  finish(): TableIndex {
    const keyEnds = new Uint32Array(this.#keys.length)
    let end = 0
    for (const [i, key] of this.#keys.entries()) {
      end += key.length
      keyEnds[i] = end
    }
    return new TableIndex(
      Buffer.concat(this.#keys),
      keyEnds,
      Float64Array.from(this.#handles, (handle) => handle.offset),
      Uint32Array.from(this.#handles, (handle) => handle.length),
    )
  }
}
