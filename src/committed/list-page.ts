import { Buffer } from 'node:buffer'
import type { Cursor, ObjectPath } from '../model.ts'

/** What a listing asks for; all texts are bytes of any length. */
export interface ListPageInput {
  /** Visible records, from before the first. */
  readonly cursor: Cursor
  /** Only keys that start so. Empty: all. */
  readonly prefix: Buffer
  /** Only keys after this one; when it is a common prefix of this listing, only keys behind its group. Empty: from the start. */
  readonly after: Buffer
  /** Keys that have it behind the prefix are grouped up to and including its first occurrence. Empty: no groups. */
  readonly delimiter: Buffer
  /** Results at most, >= 1. */
  readonly amount: number
}

/** One line of a listing. */
export type Listed =
  | { readonly kind: 'object'; readonly key: ObjectPath; readonly value: Buffer }
  | { readonly kind: 'common_prefix'; readonly key: Buffer }

export interface Page {
  /** In byte order, objects and common prefixes interleaved. Resume with the last key as `after`. */
  readonly results: readonly Listed[]
  /** Whether at least one more result follows; never true of an empty page. */
  readonly hasMore: boolean
}

/** One page of a listing, at the cost of the page: behind each common prefix it seeks to the group's end. */
export async function listPage(input: ListPageInput): Promise<Page> {
  const { cursor, prefix, delimiter, amount } = input
  const results: Listed[] = []
  const start = startKey(input)
  const end = prefix.length === 0 ? null : successor(prefix)
  if (start === null || amount < 1) return { results, hasMore: false }
  let moved = start.length === 0 ? cursor.next() : cursor.seek(start)
  while (typeof moved === 'boolean' ? moved : await moved) {
    const { key, value } = cursor
    if (end !== null && Buffer.compare(key, end) >= 0) break
    if (value === null) throw new Error('a listing takes visible records only')
    if (results.length === amount) return { results, hasMore: true }
    const group = commonPrefix(key, prefix.length, delimiter)
    if (group === null) {
      results.push({ kind: 'object', key, value })
      moved = cursor.next()
      continue
    }
    results.push({ kind: 'common_prefix', key: group })
    const behind = successor(group)
    if (behind === null) break
    moved = cursor.seek(behind)
  }
  return { results, hasMore: false }
}

/** The first key that may be listed; null when none may. */
function startKey({ prefix, after, delimiter }: ListPageInput): Buffer | null {
  if (after.length === 0 || Buffer.compare(after, prefix) < 0) return prefix
  const inPrefix = after.length >= prefix.length && after.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
  const group = inPrefix ? commonPrefix(after, prefix.length, delimiter) : null
  return group !== null && group.length === after.length ? successor(after) : Buffer.concat([after, Buffer.of(0)])
}

/** `key` up to and including the first delimiter behind the prefix; null when it has none there. */
function commonPrefix(key: Buffer, prefixBytes: number, delimiter: Buffer): Buffer | null {
  if (delimiter.length === 0) return null
  const at = key.indexOf(delimiter, prefixBytes)
  return at < 0 ? null : key.subarray(0, at + delimiter.length)
}

/** The smallest key above all keys that start with `prefix`; null when there is none (nothing but ff). */
export function successor(prefix: Buffer): Buffer | null {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return null
  const above = Buffer.from(prefix.subarray(0, length))
  above[length - 1] = (above[length - 1] ?? 0) + 1
  return above
}
