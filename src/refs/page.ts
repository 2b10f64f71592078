/** Pages of names, in byte order. */
import { DomainError } from '../errors.ts'

/** What list functions answer. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly hasMore: boolean
}

export interface PageRequest {
  /** All unless given. */
  readonly prefix?: string
  /** Exclusive; need not exist. */
  readonly after?: string
  /** Items at most, 1 or more. */
  readonly amount: number
}

/**
 * SQL: `column` starts with the prefix in `$2` and comes after `$3`, at most `$4` rows. The two bounds keep the scan inside the
 * prefix (U+10FFFF sorts above every other character in UTF-8's byte order).
 */
export function pageSql(column: string): string {
  return `${column} >= $2 AND ${column} < $2 || U&'\\+10FFFF' AND starts_with(${column}, $2) AND ${column} > $3 ORDER BY ${column} LIMIT $4::int4`
}

/** Parameters `$2`, `$3`, `$4` of `pageSql`: one row more than asked for tells whether there are more. */
export function pageParams(request: PageRequest): [prefix: string, after: string, limit: number] {
  if (!Number.isSafeInteger(request.amount) || request.amount < 1) {
    throw new DomainError('invalid_argument', 'argument amount: must be at least 1: invalid value: validation error')
  }
  return [request.prefix ?? '', request.after ?? '', request.amount + 1]
}

/** The page of rows fetched with `pageParams(request)`. */
export function toPage<Row, Item>(rows: readonly Row[], request: PageRequest, map: (row: Row) => Item): Page<Item> {
  return { items: rows.slice(0, request.amount).map(map), hasMore: rows.length > request.amount }
}
