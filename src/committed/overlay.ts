import { Buffer } from 'node:buffer'
import type { Cursor, ObjectPath } from '../model.ts'

export interface OverlayOptions {
  /** After so many tombstones in a row the cursor stands on one (`value` null), so that its reader can give up; never when absent. */
  readonly pauseEvery?: number
}

/**
 * What is visible on a branch: the staged records over the committed ones. Where both have a key the staged one counts; a tombstone
 * (null) hides the key.
 */
export function overlay(staged: Cursor, committed: Cursor, options: OverlayOptions = {}): Cursor {
  return new OverlayCursor(staged, committed, options.pauseEvery ?? Number.POSITIVE_INFINITY)
}

/** Changes over older changes: as `overlay`, but tombstones of either come along. */
export function layer(newer: Cursor, older: Cursor): Cursor {
  return new OverlayCursor(newer, older, 1)
}

class OverlayCursor implements Cursor {
  readonly #staged: Cursor
  readonly #committed: Cursor
  /** Whether the cursors stand on a record. */
  #hasStaged = true
  #hasCommitted = true
  /** Whether the current record came from the cursor, which then moves on before the next. */
  #usedStaged = true
  #usedCommitted = true

  readonly #pauseEvery: number
  /** Tombstones passed since the last record that it stood on. */
  #passed = 0

  constructor(staged: Cursor, committed: Cursor, pauseEvery: number) {
    this.#staged = staged
    this.#committed = committed
    this.#pauseEvery = pauseEvery
  }

  get key(): ObjectPath {
    return this.#usedStaged ? this.#staged.key : this.#committed.key
  }

  get value(): Buffer | null {
    return this.#usedStaged ? this.#staged.value : this.#committed.value
  }

  next(): boolean | Promise<boolean> {
    return this.#settle(
      this.#usedStaged ? this.#hasStaged && this.#staged.next() : this.#hasStaged,
      this.#usedCommitted ? this.#hasCommitted && this.#committed.next() : this.#hasCommitted,
    )
  }

  seek(key: ObjectPath): boolean | Promise<boolean> {
    return this.#settle(this.#hasStaged && this.#staged.seek(key), this.#hasCommitted && this.#committed.seek(key))
  }

  /** Chooses the record to stand on, passing tombstones. */
  #settle(staged: boolean | Promise<boolean>, committed: boolean | Promise<boolean>): boolean | Promise<boolean> {
    for (;;) {
      if (typeof staged !== 'boolean' || typeof committed !== 'boolean') {
        return Promise.all([staged, committed]).then(([s, c]) => this.#settle(s, c))
      }
      this.#hasStaged = staged
      this.#hasCommitted = committed
      if (!staged && !committed) return false
      const order = !staged ? 1 : !committed ? -1 : Buffer.compare(this.#staged.key, this.#committed.key)
      this.#usedStaged = order <= 0
      this.#usedCommitted = order >= 0
      if (order > 0 || this.#staged.value !== null || ++this.#passed >= this.#pauseEvery) {
        this.#passed = 0
        return true
      }
      staged = this.#staged.next()
      if (order === 0) committed = this.#committed.next()
    }
  }
}
