import { Buffer } from 'node:buffer'
import type { Cursor, MetaRangeId, ObjectPath } from '../model.ts'
import { sameIdentity } from './framing.ts'
import type { TableReader } from './table-reader.ts'
import { openTree, type Tree } from './tree.ts'
import { type RangeList, TreeCursor } from './tree-cursor.ts'

/**
 * What leads from one tree to another: its records where they differ in identity, null where the other has none. Ranges that both
 * have are not opened: their keys lie in no other range of either tree.
 */
export function treeChanges(from: Tree, to: Tree): Cursor {
  return new ChangesCursor(cursorWithout(from, to), cursorWithout(to, from))
}

/**
 * Whether two trees hold the same keys with records of equal identity, however their ranges are cut. Costs the ranges that only one
 * of them has, up to the first difference.
 * @throws storage_not_found when a table is missing, corrupt, storage_*
 */
export async function sameRecords(reader: TableReader, left: MetaRangeId, right: MetaRangeId): Promise<boolean> {
  if (left === right) return true
  return !(await treeChanges(await openTree(reader, left), await openTree(reader, right)).next())
}

/** The records of the ranges of `tree` that `other` does not have. */
function cursorWithout(tree: Tree, other: Tree): TreeCursor {
  const shared = new Set<string>()
  for (let range = 0; range < other.metaRange.count; range++) shared.add(other.metaRange.rangeId(range))
  const own: number[] = []
  for (let range = 0; range < tree.metaRange.count; range++)
    if (!shared.has(tree.metaRange.rangeId(range))) own.push(range)
  const ranges: RangeList = {
    count: own.length,
    find(key) {
      const first = tree.metaRange.find(key)
      let low = 0
      let high = own.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((own[middle] ?? 0) < first) low = middle + 1
        else high = middle
      }
      return low
    },
  }
  return new TreeCursor(ranges, (at) => tree.records(own[at] ?? 0))
}

class ChangesCursor implements Cursor {
  key: ObjectPath = Buffer.alloc(0)
  value: Buffer | null = null
  readonly #from: TreeCursor
  readonly #to: TreeCursor
  /** Whether the cursors stand on a record, or before their first. */
  #hasFrom = true
  #hasTo = true
  /** Whether they must move before the next record is chosen. */
  #usedFrom = true
  #usedTo = true

  constructor(from: TreeCursor, to: TreeCursor) {
    this.#from = from
    this.#to = to
  }

  async next(): Promise<boolean> {
    do {
      if (this.#usedFrom && this.#hasFrom) this.#hasFrom = await this.#from.next()
      if (this.#usedTo && this.#hasTo) this.#hasTo = await this.#to.next()
    } while (!this.#choose())
    return this.#hasFrom || this.#hasTo
  }

  async seek(key: ObjectPath): Promise<boolean> {
    if (this.#hasFrom) this.#hasFrom = await this.#from.seek(key)
    if (this.#hasTo) this.#hasTo = await this.#to.seek(key)
    return this.#choose() ? this.#hasFrom || this.#hasTo : this.next()
  }

  /** Takes the smaller key; false when both have it alike and the next one is to be looked at. */
  #choose(): boolean {
    if (!this.#hasFrom && !this.#hasTo) return true
    const order = !this.#hasFrom ? 1 : !this.#hasTo ? -1 : Buffer.compare(this.#from.key, this.#to.key)
    this.#usedFrom = order <= 0
    this.#usedTo = order >= 0
    if (order === 0) {
      const { value: before } = this.#from
      const { value: now } = this.#to
      if (sameIdentity(before, 0, before.length, now, 0, now.length)) return false
    }
    this.key = order < 0 ? this.#from.key : this.#to.key
    this.value = order < 0 ? null : this.#to.value
    return true
  }
}
