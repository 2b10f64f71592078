/** Reading staged rows in path order: several tokens as one run, the newest token's row winning. */
import { uuidArray } from '../db/arrays.ts'
import type { Db, HotStatement } from '../db/db.ts'
import { type StagedRow, stagedGroupsSql, stagedPageSql } from '../db/staged-rows.ts'
import type { Cursor, ObjectPath, StagingToken } from '../model.ts'

export interface StagedCursorOptions {
  /** First path that may come (inclusive); the smallest when absent. */
  readonly start?: ObjectPath
  /** End of the range (exclusive). */
  readonly end?: ObjectPath
  /**
   * The first page, when the statement that resolved the branch brought it along: all rows that `stagedPageSql` gives from `start` to
   * `end` with `limit` per token.
   */
  readonly firstPage?: { readonly rows: readonly StagedRow[]; readonly limit: number }
  /** Told of every page how many rows it had. */
  readonly onRows?: (rows: number) => void
  /**
   * For listings by delimiter: once the reader seeks past what was fetched, pages hold the first row of each group only and go on
   * behind it, so that a thousand large groups cost a few statements. Reading on inside a group still gives every row.
   */
  readonly groups?: { readonly prefixBytes: number; readonly delimiter: Buffer }
}

const selectPage: HotStatement = {
  name: 'staged_page',
  readOnly: true,
  text: `SELECT t.place::int4, page.path, page.rec FROM ${stagedPageSql('$1::text::uuid[]', '$2', '$3', '$4')}`,
}

const selectGroups: HotStatement = {
  name: 'staged_groups',
  readOnly: true,
  text: `SELECT t.place::int4, page.path, page.rec FROM ${stagedGroupsSql({
    tokens: '$1::text::uuid[]',
    start: '$2',
    end: '$3',
    limit: '$4',
    prefixBytes: '$5',
    delimiter: '$6',
    successor: '$7',
  })}`,
}

/** Rows per token and statement: the first page and the largest one. */
const firstPageRows = 64
const largestPageRows = 4096
const zero = Buffer.alloc(1)

/** The rows of `tokens` (newest first), tombstones included, each path once. */
export function stagedCursor(db: Db, tokens: readonly StagingToken[], options: StagedCursorOptions = {}): Cursor {
  return new StagedCursor(db, tokens, options)
}

class StagedCursor implements Cursor {
  key: ObjectPath = zero
  value: Buffer | null = null

  readonly #db: Db
  readonly #tokens: readonly StagingToken[]
  readonly #end: ObjectPath | null
  readonly #onRows: ((rows: number) => void) | undefined
  readonly #groups: { prefixBytes: number; delimiter: Buffer; successor: Buffer } | null
  /** Merged rows; `#at` is the current one, -1 before the first. */
  #rows: readonly StagedRow[] = []
  #at = -1
  /** Rows below this are complete; null: there are no more. The next page starts here. */
  #horizon: ObjectPath | null
  /** The page has the first row of each group only. */
  #skipping = false
  #pageRows = firstPageRows

  constructor(db: Db, tokens: readonly StagingToken[], options: StagedCursorOptions) {
    this.#db = db
    this.#tokens = tokens
    this.#end = options.end ?? null
    this.#onRows = options.onRows
    this.#horizon = tokens.length === 0 ? null : (options.start ?? Buffer.alloc(0))
    const successor = options.groups === undefined ? null : successorOf(options.groups.delimiter)
    this.#groups = options.groups === undefined || successor === null ? null : { ...options.groups, successor }
    if (options.firstPage !== undefined && tokens.length > 0) {
      this.#take(options.firstPage.rows, options.firstPage.limit)
    }
  }

  next(): boolean | Promise<boolean> {
    const current = this.#rows[this.#at]
    if (current === undefined) return this.#settle(this.#at + 1)
    if (this.#gapEnd(current.path) !== null) return this.#fetch(after(current.path), false)
    let at = this.#at + 1
    // The same path under older tokens.
    while (this.#rows[at]?.path.equals(current.path)) at++
    return this.#settle(at)
  }

  seek(key: ObjectPath): boolean | Promise<boolean> {
    let at = Math.max(this.#at, 0)
    let passed: StagedRow | undefined
    for (let row = this.#rows[at]; row !== undefined && row.path.compare(key) < 0; row = this.#rows[++at]) passed = row
    // All paths from a group's first row to its end are in that group, so the last row passed tells whether `key` lies in a gap.
    const gapEnd = passed === undefined ? null : this.#gapEnd(passed.path)
    if (gapEnd !== null && key.compare(gapEnd) < 0) return this.#fetch(key, false)
    if (at < this.#rows.length || this.#horizon === null) return this.#settle(at)
    return this.#fetch(key.compare(this.#horizon) > 0 ? key : this.#horizon, this.#groups !== null)
  }

  /** Makes row `at` the current one, fetching when it lies beyond the page. */
  #settle(at: number): boolean | Promise<boolean> {
    const row = this.#rows[at]
    if (row === undefined) {
      if (this.#horizon !== null) return this.#fetch(this.#horizon, this.#skipping)
      this.#at = this.#rows.length
      return false
    }
    this.#at = at
    this.key = row.path
    this.value = row.rec
    return true
  }

  async #fetch(start: ObjectPath, skipping: boolean): Promise<boolean> {
    const limit = this.#pageRows
    this.#pageRows = Math.min(limit * 4, largestPageRows)
    const params = [uuidArray(this.#tokens), start, this.#end, limit]
    const groups = skipping ? this.#groups : null
    const rows = await (groups === null
      ? this.#db.run<StagedRow>(selectPage, params)
      : this.#db.run<StagedRow>(selectGroups, [...params, groups.prefixBytes, groups.delimiter, groups.successor]))
    this.#skipping = groups !== null
    this.#take(rows, limit)
    return this.#settle(0)
  }

  /** Sorts a fetched page; a token with `limit` rows may have more behind its last one, so nothing counts from there on. */
  #take(fetched: readonly StagedRow[], limit: number): void {
    this.#onRows?.(fetched.length)
    const counts = new Map<number, number>()
    let horizon: ObjectPath | null = null
    for (const row of fetched) {
      const count = (counts.get(row.place) ?? 0) + 1
      counts.set(row.place, count)
      if (count < limit) continue
      const bound = (this.#skipping ? this.#groupEnd(row.path) : null) ?? after(row.path)
      if (horizon === null || bound.compare(horizon) < 0) horizon = bound
    }
    const bound = horizon
    const kept = bound === null ? [...fetched] : fetched.filter((row) => row.path.compare(bound) < 0)
    // One token's rows are in order already, whatever the plan.
    this.#rows = this.#tokens.length === 1 ? kept : kept.sort(byPathThenPlace)
    this.#horizon = horizon
    this.#at = -1
  }

  /** In a page of first rows: where the group of `path`, of which no more was fetched, ends. */
  #gapEnd(path: ObjectPath): ObjectPath | null {
    return this.#skipping ? this.#groupEnd(path) : null
  }

  /** Where the group of `path` ends, or null when it has no delimiter behind the prefix. */
  #groupEnd(path: ObjectPath): ObjectPath | null {
    if (this.#groups === null) return null
    const { prefixBytes, delimiter, successor } = this.#groups
    const at = path.indexOf(delimiter, prefixBytes)
    return at < 0 ? null : Buffer.concat([path.subarray(0, at), successor])
  }
}

function byPathThenPlace(left: StagedRow, right: StagedRow): number {
  return left.path.compare(right.path) || left.place - right.place
}

/** The smallest path above `path`. */
function after(path: ObjectPath): ObjectPath {
  return Buffer.concat([path, zero])
}

/** The smallest bytes above everything that starts with `bytes`, or null when there are none. */
function successorOf(bytes: Buffer): Buffer | null {
  for (let length = bytes.length; length > 0; length--) {
    const last = bytes[length - 1]
    if (last !== undefined && last < 0xff)
      return Buffer.concat([bytes.subarray(0, length - 1), Buffer.from([last + 1])])
  }
  return null
}
