/** What differs. */
import type { Effect } from '../committed/effects.ts'
import { decodeEntry } from '../committed/entry.ts'
import { listingBounds, listPage } from '../committed/list-page.ts'
import type { Entry, ObjectPath } from '../model.ts'
import { stagedCursor } from '../staging/read.ts'
import { type Caller, type Catalog, tablesOf } from './catalog.ts'
import type { ObjectListing } from './entries.ts'
import { findBranch } from './resolve.ts'
import { uncommittedChanges } from './uncommitted.ts'

export type Difference =
  | { readonly path: ObjectPath; readonly type: Effect; readonly entry: Entry | null }
  | { readonly commonPrefix: Buffer }

export interface DifferencePage {
  readonly items: readonly Difference[]
  readonly hasMore: boolean
  /** Where the next page starts (exclusive), as text; `""` at the end. */
  readonly nextOffset: string
}

/**
 * A page of the uncommitted changes of a branch, in byte order: what a commit now would change. Costs the page and the rows without
 * effect in it, never the repository.
 *
 * @throws repository_not_found, branch_not_found
 */
export async function diffBranch(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  branch: string,
  listing: ObjectListing,
): Promise<DifferencePage> {
  const { prefix, delimiter } = listing
  const found = await findBranch(catalog, caller, repository, branch)
  const { start, end } = listingBounds(listing)
  const staged = stagedCursor(catalog.db, found.tokens, {
    start,
    ...(end === null ? {} : { end }),
    ...(delimiter.length === 0 ? {} : { groups: { prefixBytes: prefix.length, delimiter } }),
  })
  const trees = { head: found.commitMetaRangeId, base: found.metaRangeId }
  const cursor = await uncommittedChanges(tablesOf(catalog, found.repository), trees, staged)
  const page = await listPage({ ...listing, cursor })
  const items = page.results.map((item): Difference => {
    if (item.kind === 'common_prefix') return { commonPrefix: item.key }
    const entry = item.value.length === 0 ? null : decodeEntry(item.value)
    return { path: item.key, type: cursor.effectOn(item.key), entry }
  })
  return { items, hasMore: page.hasMore, nextOffset: page.resume }
}
