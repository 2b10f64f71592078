import type { Buffer } from 'node:buffer'
import type { Cursor, MetaRangeId, ObjectPath } from '../model.ts'
import type { Block } from '../sstable/block.ts'
import { BlockCursor } from '../sstable/block-cursor.ts'
import type { MetaRange } from './meta-range.ts'
import { RangeRecords } from './range-records.ts'
import type { Table, TableReader } from './table-reader.ts'
import { TreeCursor } from './tree-cursor.ts'

/** For lookups, which use it only between two awaits. */
const scratch = new BlockCursor(8)

/** One committed tree: the ranges of a metarange, each a sorted run of framed records. */
export class Tree {
  readonly reader: TableReader
  readonly metaRange: MetaRange

  constructor(reader: TableReader, metaRange: MetaRange) {
    this.reader = reader
    this.metaRange = metaRange
  }

  /** The framed record at `path` or null; at once when its block is cached, else after at most two reads. @throws corrupt, storage_* */
  lookup(path: ObjectPath): Buffer | null | Promise<Buffer | null> {
    const range = this.metaRange.find(path)
    if (range === this.metaRange.count || this.metaRange.compareMinKey(range, path) > 0) return null
    const table = this.reader.table(this.metaRange.rangeId(range), this.metaRange.estimatedSizeBytes(range))
    // On with the table itself, never through the cache again: a small one may have let it go.
    return table instanceof Promise ? table.then((loaded) => this.#find(loaded, path)) : this.#find(table, path)
  }

  #find(table: Table, path: ObjectPath): Buffer | null | Promise<Buffer | null> {
    const at = table.index.find(path)
    if (at === table.index.count) return null
    const block = this.reader.block(table, at)
    return block instanceof Promise ? block.then((loaded) => findRecord(loaded, path)) : findRecord(block, path)
  }

  /** The records of all ranges in order. */
  cursor(): TreeCursor {
    return new TreeCursor(this.metaRange, (range) => this.records(range))
  }

  /** The records of range number `range` of the metarange. */
  records(range: number): RangeRecords {
    return new RangeRecords(this.reader, this.metaRange.rangeId(range), this.metaRange.estimatedSizeBytes(range))
  }
}

/** Opens the tree of a metarange; `""` is the empty tree. @throws storage_not_found when a table is missing, corrupt, storage_* */
export function openTree(reader: TableReader, id: MetaRangeId): Tree | Promise<Tree> {
  const metaRange = reader.metaRange(id)
  if (metaRange instanceof Promise) return metaRange.then((loaded) => new Tree(reader, loaded))
  return new Tree(reader, metaRange)
}

/** A cursor that has no records, for readers without a tree or without staged rows. */
export const emptyCursor: Cursor = {
  get key(): never {
    throw new Error('an empty cursor stands on no record')
  },
  value: null,
  next: () => false,
  seek: () => false,
}

function findRecord(block: Block, path: ObjectPath): Buffer | null {
  scratch.reset(block)
  return scratch.seek(path) && scratch.compareKey(path) === 0 ? scratch.value() : null
}
