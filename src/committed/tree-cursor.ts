import type { Buffer } from 'node:buffer'
import type { Cursor, ObjectPath } from '../model.ts'
import type { BlockCursor } from '../sstable/block-cursor.ts'
import type { MetaRange } from './meta-range.ts'
import type { RangeRecords } from './range-records.ts'

/** The ranges to walk through: a metarange, or some of its ranges. */
export type RangeList = Pick<MetaRange, 'count' | 'find'>

/**
 * The records of a tree in order, and its ranges: a walk can stand *before* a range (`nextRange`), look at what the metarange says
 * of it, and then read it (`next`) or pass it whole (`nextRange` again) without opening its file. Commit, diff and merge reuse
 * ranges by id that way.
 */
export class TreeCursor implements Cursor {
  /** Number of the range it stands in or before; the metarange's `count` at the end, -1 at the start. */
  range = -1
  readonly #metaRange: RangeList
  readonly #records: (range: number) => RangeRecords
  #open: RangeRecords | null = null
  #key: Buffer | null = null
  #value: Buffer | null = null

  constructor(metaRange: RangeList, records: (range: number) => RangeRecords) {
    this.#metaRange = metaRange
    this.#records = records
  }

  get key(): ObjectPath {
    this.#key ??= this.entry.copyKey()
    return this.#key
  }

  get value(): Buffer {
    this.#value ??= this.entry.value()
    return this.#value
  }

  /** The current record in place: its key and value without a copy, until the next step. */
  get entry(): BlockCursor {
    if (this.#open === null) throw new Error('the cursor stands on no record')
    return this.#open.entry
  }

  next(): boolean | Promise<boolean> {
    this.#leave()
    if (this.#open === null && (this.range >= 0 || this.nextRange())) return this.#enter()
    if (this.#open === null) return false
    return this.#settle(this.#open.next())
  }

  seek(key: ObjectPath): boolean | Promise<boolean> {
    this.#leave()
    const found = Math.max(this.range, this.#metaRange.find(key))
    if (found !== this.range) {
      this.range = found
      this.#open = null
    }
    if (found >= this.#metaRange.count) return false
    this.#open ??= this.#records(found)
    return this.#settle(this.#open.seek(key))
  }

  /** Passes the rest of the current range and stands before the following one, unopened; false at the end. */
  nextRange(): boolean {
    this.#leave()
    this.#open = null
    if (this.range < this.#metaRange.count) this.range++
    return this.range < this.#metaRange.count
  }

  /** Whether it stands before a range of which no record was read yet. */
  get beforeRange(): boolean {
    return this.#open === null && this.range >= 0 && this.range < this.#metaRange.count
  }

  #enter(): boolean | Promise<boolean> {
    if (this.range >= this.#metaRange.count) return false
    this.#open = this.#records(this.range)
    return this.#settle(this.#open.next())
  }

  #settle(found: boolean | Promise<boolean>): boolean | Promise<boolean> {
    if (found === true) return true
    if (found === false) return this.nextRange() && this.#enter()
    return found.then((settled) => this.#settle(settled))
  }

  #leave(): void {
    this.#key = null
    this.#value = null
  }
}
