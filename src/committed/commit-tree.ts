import type { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers'
import type { Cursor, MetaRangeId } from '../model.ts'
import type { BlockCursor } from '../sstable/block-cursor.ts'
import { sameIdentity } from './framing.ts'
import { defaultRangePolicy, type RangePolicy } from './range-policy.ts'
import type { TableReader } from './table-reader.ts'
import type { TableStore } from './table-store.ts'
import { openTree, type Tree } from './tree.ts'
import { TreeWriter, type TreeWriterOptions } from './tree-writer.ts'

/** Records written between two turns of the event loop: some milliseconds of work. */
const recordsPerTurn = 4096

export interface CommitTreeInput {
  readonly reader: TableReader
  /** The tree that the changes are applied to; `""` is empty. */
  readonly base: MetaRangeId
  /**
   * The head's tree when the base is a compacted one: a range that comes out as one of its ranges is there already and not written.
   */
  readonly head?: MetaRangeId
  /** Records to put, or null to remove, in ascending order of their keys. */
  readonly changes: Cursor
  /** lakeFS's defaults unless given. */
  readonly policy?: RangePolicy
}

export interface CommittedTree {
  /** The base itself when nothing changed. */
  readonly metaRangeId: MetaRangeId
  readonly added: number
  readonly removed: number
  readonly changed: number
}

/**
 * The tree with the changes applied, as lakeFS's commit makes it, durable when it answers. A change that equals the base's record
 * in identity is none: the base record stays, address and time included. Ranges before, between and behind the changes are reused
 * by id, unread. Nothing is written when nothing changed.
 * @throws storage_not_found when a table of the base is missing, corrupt, storage_*
 */
export async function commitTree(input: CommitTreeInput): Promise<CommittedTree> {
  const tree = await openTree(input.reader, input.base)
  const first = await findFirstChange(tree, input.changes)
  if (first === null) return { metaRangeId: input.base, added: 0, removed: 0, changed: 0 }
  const stored = rangeIds(tree)
  if (input.head !== undefined && input.head !== input.base)
    for (const id of rangeIds(await openTree(input.reader, input.head))) stored.add(id)
  const writer = new TreeWriter({
    store: input.reader.store,
    policy: input.policy ?? defaultRangePolicy,
    isStored: (id) => stored.has(id),
  })
  const merge = new CommitMerge(tree, input.changes, writer)
  await merge.run(first)
  return { metaRangeId: await writer.finish(), added: merge.added, removed: merge.removed, changed: merge.changed }
}

function rangeIds({ metaRange }: Tree): Set<string> {
  const ids = new Set<string>()
  for (let range = 0; range < metaRange.count; range++) ids.add(metaRange.rangeId(range))
  return ids
}

/** Stores records as a tree of their own: the tables of a refs dump or an import. @throws storage_* */
export async function writeTree(records: Omit<Cursor, 'seek'>, options: TreeWriterOptions): Promise<MetaRangeId> {
  const writer = new TreeWriter(options)
  for (let more = await records.next(); more; more = await records.next()) {
    const { key, value } = records
    if (value !== null) await writer.add(key, 0, key.length, value, 0, value.length)
  }
  return writer.finish()
}

/** Stores the metarange without ranges, which an empty commit on an empty tree refers to. @throws storage_* */
export async function writeEmptyTree(store: TableStore): Promise<MetaRangeId> {
  return new TreeWriter({ store, policy: defaultRangePolicy }).finish()
}

interface FirstChange {
  /** The range that the change falls into or before; the metarange's count when it lies behind all. */
  readonly range: number
  /** Ranges before it that changes without effect fell into: lakeFS rewrites these, and borders may move. */
  readonly touched: ReadonlySet<number>
}

/** Moves `changes` to the first that has an effect; null when none has. */
async function findFirstChange(tree: Tree, changes: Cursor): Promise<FirstChange | null> {
  const base = tree.cursor()
  const touched = new Set<number>()
  for (let more = await changes.next(); more; more = await changes.next()) {
    const range = tree.metaRange.find(changes.key)
    const sought = range < tree.metaRange.count && base.seek(changes.key)
    const found = (typeof sought === 'boolean' ? sought : await sought) && base.entry.compareKey(changes.key) === 0
    const { value } = changes
    const same =
      value === null ? !found : found && sameIdentity(base.value, 0, base.value.length, value, 0, value.length)
    if (!same) return { range, touched }
    touched.add(range)
  }
  return null
}

class CommitMerge {
  added = 0
  removed = 0
  changed = 0
  readonly #tree: Tree
  readonly #changes: Cursor
  readonly #writer: TreeWriter
  /** Whether `#changes` stands on a change. */
  #more = true
  /** What to wait for before the next record is written: room for uploads, a turn of the event loop. */
  #wait: Promise<void> | undefined
  #records = 0

  constructor(tree: Tree, changes: Cursor, writer: TreeWriter) {
    this.#tree = tree
    this.#changes = changes
    this.#writer = writer
  }

  async run(first: FirstChange): Promise<void> {
    const { metaRange } = this.#tree
    let range = 0
    for (; range < first.range; range++) {
      if (first.touched.has(range)) await this.#rewrite(range)
      else await this.#writer.addRange(metaRange, range)
    }
    while (this.#more && range < metaRange.count) {
      if (metaRange.compareMaxKey(range, this.#changes.key) < 0) await this.#writer.addRange(metaRange, range)
      else await this.#rewrite(range)
      range++
    }
    while (this.#more) {
      this.#add()
      await this.#advance()
    }
    for (; range < metaRange.count; range++) await this.#writer.addRange(metaRange, range)
  }

  /** Copies the records of a range, with the changes up to its largest key. */
  async #rewrite(range: number): Promise<void> {
    const records = this.#tree.records(range)
    const { entry } = records
    let moved = await records.next()
    while (moved) {
      let keep = true
      while (this.#more) {
        const order = entry.compareKey(this.#changes.key)
        if (order < 0) break
        if (order > 0) this.#add()
        else keep = this.#keeps(entry)
        const advanced = this.#advance()
        if (advanced !== undefined) await advanced
        if (order === 0) break
      }
      if (keep) {
        this.#write(entry.keyBytes, entry.keyLength, entry.payload, entry.valueStart, entry.valueEnd)
        if (this.#wait !== undefined) await this.#settle()
      }
      const next = records.next()
      moved = typeof next === 'boolean' ? next : await next
    }
  }

  /** Applies a change whose key the base does not have. */
  #add(): void {
    const { key, value } = this.#changes
    if (value === null) return
    this.added++
    this.#write(key, key.length, value, 0, value.length)
  }

  /** Applies a change to the base record of its key; whether the base record stays. */
  #keeps(base: BlockCursor): boolean {
    const { key, value } = this.#changes
    if (value === null) {
      this.removed++
      return false
    }
    if (sameIdentity(base.payload, base.valueStart, base.valueEnd, value, 0, value.length)) return true
    this.changed++
    this.#write(key, key.length, value, 0, value.length)
    return false
  }

  #write(key: Buffer, keyLength: number, value: Buffer, valueStart: number, valueEnd: number): void {
    this.#wait = this.#writer.add(key, 0, keyLength, value, valueStart, valueEnd)
    if (++this.#records % recordsPerTurn === 0) this.#wait = takeTurn(this.#wait)
  }

  /** Moves to the next change; at once when there is nothing to wait for. */
  #advance(): undefined | Promise<void> {
    if (this.#wait !== undefined) return this.#settle().then(() => this.#advance())
    const more = this.#changes.next()
    if (typeof more !== 'boolean') {
      return more.then((found) => {
        this.#more = found
      })
    }
    this.#more = more
    return undefined
  }

  async #settle(): Promise<void> {
    const wait = this.#wait
    this.#wait = undefined
    await wait
  }
}

/** Lets other work run: a commit of many records must not hold up the requests beside it. */
async function takeTurn(before: Promise<void> | undefined): Promise<void> {
  await before
  await new Promise<void>((resolve) => setImmediate(resolve))
}
