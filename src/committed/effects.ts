import { Buffer } from 'node:buffer'
import type { Cursor, ObjectPath } from '../model.ts'
import { sameIdentity } from './framing.ts'
import type { Tree } from './tree.ts'
import type { TreeCursor } from './tree-cursor.ts'

export type Effect = 'added' | 'removed' | 'changed'

/** Stands for the record of a key that goes. */
const nothing = Buffer.alloc(0)

/**
 * The changes that have an effect on a tree, in order: a tombstone over nothing and a record of equal identity have none. `value` is
 * the new record, empty for a key that is removed.
 */
export class EffectCursor implements Cursor {
  key: ObjectPath = nothing
  value: Buffer = nothing
  readonly #changes: Cursor
  readonly #tree: TreeCursor
  #treeEnded = false
  /** By the very buffer that `key` was. */
  readonly #effects = new WeakMap<ObjectPath, Effect>()

  constructor(changes: Cursor, tree: Tree) {
    this.#changes = changes
    this.#tree = tree.cursor()
  }

  next(): Promise<boolean> {
    return this.#settle(this.#changes.next())
  }

  seek(key: ObjectPath): Promise<boolean> {
    return this.#settle(this.#changes.seek(key))
  }

  /** What happens to a key, given as the buffer that `key` was when the cursor stood there. */
  effectOn(key: ObjectPath): Effect {
    const effect = this.#effects.get(key)
    if (effect === undefined) throw new Error('the cursor never stood on this key')
    return effect
  }

  async #settle(moved: boolean | Promise<boolean>): Promise<boolean> {
    for (let found = await moved; found; found = await this.#changes.next()) {
      const { key, value } = this.#changes
      const effect = effectOf(await this.#committed(key), value)
      if (effect === null) continue
      this.key = key
      this.value = value ?? nothing
      this.#effects.set(key, effect)
      return true
    }
    return false
  }

  /** The tree's record of `key`; keys come in order, so its cursor only goes forward. */
  async #committed(key: ObjectPath): Promise<Buffer | null> {
    if (this.#treeEnded) return null
    this.#treeEnded = !(await this.#tree.seek(key))
    return this.#treeEnded || this.#tree.entry.compareKey(key) !== 0 ? null : this.#tree.value
  }
}

function effectOf(committed: Buffer | null, change: Buffer | null): Effect | null {
  if (change === null) return committed === null ? null : 'removed'
  if (committed === null) return 'added'
  return sameIdentity(committed, 0, committed.length, change, 0, change.length) ? null : 'changed'
}
