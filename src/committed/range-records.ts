import type { Block } from '../sstable/block.ts'
import { BlockCursor } from '../sstable/block-cursor.ts'
import { blockTrailerBytes } from '../sstable/footer.ts'
import type { Run, Table, TableReader } from './table-reader.ts'

/** Stored bytes fetched at once by a scan: little at first, more once it goes on. */
const firstRunBytes = 32 * 1024
const maxRunBytes = 1024 * 1024
const runGrowth = 8

/**
 * The records of one range in order, read block by block and ahead: after `next` or `seek` answered true, `entry` holds the record
 * (see `BlockCursor`). Answers at once while the blocks are at hand.
 */
export class RangeRecords {
  readonly entry = new BlockCursor(8)
  readonly #reader: TableReader
  readonly #rangeId: string
  readonly #estimatedSizeBytes: number
  #table: Table | null = null
  /** Number of the block in `entry`; -1 before the first. */
  #block = -1
  #run: Run | null = null
  #runBytes = firstRunBytes

  constructor(reader: TableReader, rangeId: string, estimatedSizeBytes: number) {
    this.#reader = reader
    this.#rangeId = rangeId
    this.#estimatedSizeBytes = estimatedSizeBytes
  }

  /** Moves to the following record; false at the end of the range. @throws corrupt, storage_* */
  next(): boolean | Promise<boolean> {
    return this.entry.next() || this.#nextBlock()
  }

  /** Moves to the first record at or after the current one whose key is >= `key`; false when the range has none. @throws as `next` */
  seek(key: Uint8Array): boolean | Promise<boolean> {
    const table = this.#table ?? this.#open()
    if (table instanceof Promise) return table.then(() => this.seek(key))
    const at = table.index.find(key)
    if (at < this.#block) return this.#block < table.index.count
    if (at === this.#block) return this.#seekInBlock(key)
    const entered = this.#enter(table, at)
    if (entered instanceof Promise) return entered.then((found) => found && this.#seekInBlock(key))
    return entered && this.#seekInBlock(key)
  }

  #seekInBlock(key: Uint8Array): boolean | Promise<boolean> {
    if (this.entry.keyLength >= 0 && this.entry.compareKey(key) >= 0) return true
    // The block's separator is >= the key, but its last record may be below: then the next block begins above.
    return this.entry.seek(key) || this.#nextBlock()
  }

  #nextBlock(): boolean | Promise<boolean> {
    const table = this.#table ?? this.#open()
    if (table instanceof Promise) return table.then(() => this.#nextBlock())
    const entered = this.#enter(table, this.#block + 1)
    if (entered instanceof Promise) return entered.then((found) => found && this.next())
    return entered && this.next()
  }

  #open(): Table | Promise<Table> {
    const table = this.#reader.table(this.#rangeId, this.#estimatedSizeBytes)
    if (table instanceof Promise) {
      return table.then((opened) => {
        this.#table = opened
        return opened
      })
    }
    this.#table = table
    return table
  }

  /** Stands before the first record of block `at`; false behind the last block. */
  #enter(table: Table, at: number): boolean | Promise<boolean> {
    if (at >= table.index.count) {
      this.#block = table.index.count
      return false
    }
    const block = this.#blockAtHand(table, at)
    if (block !== null) {
      this.#stand(at, block)
      return true
    }
    return this.#fetch(table, at)
  }

  #blockAtHand(table: Table, at: number): Block | null {
    const cached = table.blocks.get(at)
    if (cached !== undefined) return cached
    if (table.whole !== null) return this.#reader.blockFrom(table, at, { bytes: table.whole, start: 0 })
    const run = this.#run
    const start = table.index.offset(at)
    const end = start + table.index.length(at) + blockTrailerBytes
    if (run === null || start < run.start || end > run.start + run.bytes.length) return null
    return this.#reader.blockFrom(table, at, run)
  }

  async #fetch(table: Table, at: number): Promise<boolean> {
    // A jump starts small again: what lies behind it may not be wanted.
    this.#runBytes =
      at === this.#block + 1 && this.#run !== null ? Math.min(maxRunBytes, this.#runBytes * runGrowth) : firstRunBytes
    const run = await this.#reader.run(table, at, this.#runBytes)
    this.#run = run
    this.#stand(at, this.#reader.blockFrom(table, at, run))
    return true
  }

  #stand(at: number, block: Block): void {
    this.#block = at
    this.entry.reset(block)
  }
}
