import { Buffer } from 'node:buffer'
import { BlockBuilder, dataTrailer, emptyTableTrailer, noTrailer, separatorTrailer } from './block-builder.ts'
import { type BlockHandle, putHandle } from './footer.ts'
import { shortSeparator } from './separator.ts'

/** Value length that pebble reckons with when it decides whether an index block is full. */
const reckonedHandleBytes = 20

/** One finished index block: its payload and its last key, both copies. */
export interface IndexPartition {
  readonly payload: Buffer
  readonly lastKey: Buffer
}

/**
 * The index of a table under construction: one entry per data block, cut into partitions by the rule of data blocks. A table whose
 * index fits one block has one level; otherwise a top-level block points at the partitions.
 */
export class IndexBuilder {
  readonly #open = new BlockBuilder(1)
  readonly #partitions: IndexPartition[] = []
  #lastKey: Buffer = Buffer.alloc(0)
  readonly #handle = Buffer.alloc(20)

  /** Estimated bytes of the block that takes the next entry; full ones do not count, as in pebble. */
  get estimatedBytes(): number {
    return this.#open.estimatedBytes
  }

  /** Adds the block at `handle`. `lastKey` is its last user key, `nextKey` the first of the following block (null: none follows). */
  add(lastKey: Uint8Array, nextKey: Uint8Array | null, handle: BlockHandle): void {
    const short = shortSeparator(lastKey, nextKey)
    this.#addKey(Buffer.concat(short === null ? [lastKey, dataTrailer] : [short, separatorTrailer]), handle)
  }

  /** Adds the only block of a table without entries. */
  addEmpty(handle: BlockHandle): void {
    this.#addKey(emptyTableTrailer, handle)
  }

  /** Ends the index. More than one partition: the table needs a top-level block. */
  finish(): readonly IndexPartition[] {
    this.#cut()
    return this.#partitions
  }

  #addKey(key: Buffer, handle: BlockHandle): void {
    if (this.#open.mustCut(key.length, reckonedHandleBytes)) this.#cut()
    this.#open.add(key, 0, key.length, noTrailer, this.#handle, 0, putHandle(this.#handle, 0, handle))
    this.#lastKey = key
  }

  #cut(): void {
    this.#open.finish()
    this.#partitions.push({
      payload: Buffer.from(this.#open.payload.subarray(0, this.#open.sizeBytes)),
      lastKey: this.#lastKey,
    })
    this.#open.clear()
  }
}

/** Payload of a block whose entries map each key to a handle: the top-level index and the metaindex. */
export function encodeHandles(entries: readonly (readonly [Uint8Array, BlockHandle])[]): Buffer {
  const block = new BlockBuilder(1)
  const value = Buffer.alloc(20)
  for (const [key, handle] of entries) {
    block.add(key, 0, key.length, noTrailer, value, 0, putHandle(value, 0, handle))
  }
  block.finish()
  return block.payload.subarray(0, block.sizeBytes)
}
