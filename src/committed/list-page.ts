import { Buffer } from 'node:buffer'
import { DomainError } from '../errors.ts'
import type { Cursor, ObjectPath } from '../model.ts'
import { resumeOffset } from './resume-offset.ts'

/** Longer than any path (1024 bytes) and of the largest byte. */
const aboveAllKeys = Buffer.alloc(1025, 0xff)

/** What part of the keys a listing is about; all texts are bytes of any length. */
interface ListingScope {
  /** Only keys that start so. Empty: all. */
  readonly prefix: Buffer
  /** Only keys after this one; when it is a common prefix of this listing, only keys behind its group. Empty: from the start. */
  readonly after: Buffer
  /** Keys that have it behind the prefix are grouped up to and including its first occurrence. Empty: no groups. */
  readonly delimiter: Buffer
}

/** What a page is made of. */
export interface ListPageInput extends ListingScope {
  /** Visible records, from before the first; a tombstone among them (`value` null) ends a page that is not empty. */
  readonly cursor: Cursor
  /** Results at most, >= 1. */
  readonly amount: number
  /**
   * How the caller hands on where to resume. As text (the default) a page ends where text can tell the place: keys that are not
   * UTF-8 can make it shorter, in rows of neighbours longer. As bytes the last key says it.
   */
  readonly resumeAs?: 'text' | 'bytes'
}

/** One line of a listing. */
export type Listed =
  | { readonly kind: 'object'; readonly key: ObjectPath; readonly value: Buffer }
  | { readonly kind: 'common_prefix'; readonly key: Buffer }

export interface Page {
  /** In byte order, objects and common prefixes interleaved. */
  readonly results: readonly Listed[]
  /** Whether more results follow, or might behind a long run of tombstones; never true of an empty page. */
  readonly hasMore: boolean
  /** `after` of the next page as text; `""` at the end and when resuming by bytes. */
  readonly resume: string
}

/** Keys that text cannot tell apart and that one page must therefore hold. */
const maxUntoldResults = 10_000

/** One page of a listing, at the cost of the page: behind each common prefix it seeks to the group's end. */
export async function listPage(input: ListPageInput): Promise<Page> {
  const { cursor, prefix, delimiter, amount } = input
  const results: Listed[] = []
  const start = startKey(input)
  const { end } = listingBounds(input)
  if (start === null || amount < 1) return { results, hasMore: false, resume: '' }
  let moved = start.length === 0 ? cursor.next() : cursor.seek(start)
  while (typeof moved === 'boolean' ? moved : await moved) {
    const { key, value } = cursor
    if (end !== null && Buffer.compare(key, end) >= 0) break
    if (value === null) {
      // A pause: what follows may be far. A page that has something ends here, an empty one must go on.
      const page = results.length === 0 ? null : endPage(input, results, 1, key)
      if (page !== null) return page
      moved = cursor.next()
      continue
    }
    if (results.length >= amount) {
      const page = endPage(input, results, amount, key)
      if (page !== null) return page
    }
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
  return { results, hasMore: false, resume: '' }
}

/**
 * The keys that a listing can touch: from `start` (inclusive) to `end` (exclusive; null: to the last). Staged rows outside need not
 * be fetched.
 */
export function listingBounds(scope: ListingScope): { readonly start: Buffer; readonly end: Buffer | null } {
  return {
    start: startKey(scope) ?? aboveAllKeys,
    end: scope.prefix.length === 0 ? null : successor(scope.prefix),
  }
}

/** The page of these results before `next`; null when it cannot end there. */
function endPage({ resumeAs }: ListPageInput, results: readonly Listed[], amount: number, next: Buffer): Page | null {
  return resumeAs === 'bytes' ? { results, hasMore: true, resume: '' } : cutAtText(results, amount, next)
}

/** The longest page of these results that ends where text can tell the place before `next`; null when there is none yet. */
function cutAtText(results: readonly Listed[], amount: number, next: Buffer): Page | null {
  const least = results.length > amount ? results.length : 1
  for (let count = results.length; count >= least; count--) {
    const last = results[count - 1]
    const following = results[count]?.key ?? next
    const resume = last === undefined ? null : resumeBehind(last, following)
    if (resume !== null) return { results: results.slice(0, count), hasMore: true, resume }
  }
  if (results.length < amount + maxUntoldResults) return null
  throw new DomainError('not_implemented', 'cannot list page: too many neighbouring keys are not UTF-8')
}

/** Text for `after` that excludes `last` (and its group) and nothing from `next` on. */
function resumeBehind(last: Listed, next: Buffer): string | null {
  if (last.kind === 'object') return resumeOffset(last.key, next)
  const text = last.key.toString()
  if (Buffer.from(text).equals(last.key)) return text
  const behind = successor(last.key)
  return behind === null ? null : resumeOffset(behind, next)
}

/** The first key that may be listed; null when none may. */
function startKey({ prefix, after, delimiter }: ListingScope): Buffer | null {
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
function successor(prefix: Buffer): Buffer | null {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return null
  const above = Buffer.from(prefix.subarray(0, length))
  above[length - 1] = (above[length - 1] ?? 0) + 1
  return above
}
