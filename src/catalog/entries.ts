/** Reading objects: one, its bytes, a page of them. */
import type { ByteRange, GetResult, ObjectProperties } from '../block/adapter.ts'
import { decodeEntry } from '../committed/entry.ts'
import { listingBounds, listPage } from '../committed/list-page.ts'
import { overlay } from '../committed/overlay.ts'
import { emptyCursor, openTree } from '../committed/tree.ts'
import { DomainError } from '../errors.ts'
import type { Entry, MetaRangeId, ObjectPath, Repository } from '../model.ts'
import { parseObjectPath, parseRefExpression, parseRepositoryName } from '../refs/names.ts'
import { type ResolvedRef, resolvePage, resolvePath } from '../refs/resolve.ts'
import { stagedCursor } from '../staging/read.ts'
import { placeOf, shownAddress } from './addresses.ts'
import { type Caller, type Catalog, tablesOf } from './catalog.ts'
import { check } from './resolve.ts'

/** An object as it is shown. */
export interface ObjectRecord {
  readonly repository: Repository
  readonly path: ObjectPath
  readonly entry: Entry
  /** The physical address that clients are told. */
  readonly uri: string
}

/** The object at `path` as `ref` sees it. One statement, and one cached block when the path is not staged. @throws entry_not_found and what resolving throws */
export async function statObject(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  ref: string,
  path: Buffer,
): Promise<ObjectRecord> {
  const name = parseRepositoryName(repository)
  const objectPath = parseObjectPath(path)
  const found = await resolvePath(catalog.db, catalog.commits, name, parseRefExpression(ref), objectPath)
  const resolved = found.ref
  const checked = check(caller, resolved.repository, resolved.versions)
  if (checked !== undefined) await checked
  if (resolved.tokens.length > 1) noteRead(catalog, resolved, 0)
  const { staged } = found
  const record =
    staged === undefined ? await lookup(catalog, resolved.repository, resolved.metaRangeId, objectPath) : staged
  if (record === null) throw new DomainError('entry_not_found', 'path not found: not found')
  return showRecord(catalog, resolved.repository, objectPath, decodeEntry(record))
}

/** The committed record at `path` in a tree, or null. */
export async function lookup(
  catalog: Catalog,
  repository: Repository,
  tree: MetaRangeId,
  path: ObjectPath,
): Promise<Buffer | null> {
  if (tree === '') return null
  const opened = openTree(tablesOf(catalog, repository), tree)
  const found = (opened instanceof Promise ? await opened : opened).lookup(path)
  return found instanceof Promise ? await found : found
}

/** An entry with the address that clients are told. */
export function showRecord(catalog: Catalog, repository: Repository, path: ObjectPath, entry: Entry): ObjectRecord {
  return { repository, path, entry, uri: shownAddress(catalog.registry, repository, entry) }
}

/** The bytes of an object, or a part of them. @throws storage_not_found when the storage lost them, storage_* */
export function openObject(catalog: Catalog, record: ObjectRecord, range: ByteRange | null): Promise<GetResult> {
  const { storage, location } = placeOf(catalog.registry, record.repository, record.entry)
  return storage.adapter.get(location, range ?? undefined)
}

/** What the storage says about an object's bytes. @throws storage_not_found when it lost them, storage_* */
export function storedProperties(catalog: Catalog, record: ObjectRecord): Promise<ObjectProperties> {
  const { storage, location } = placeOf(catalog.registry, record.repository, record.entry)
  return storage.adapter.properties(location)
}

export interface ObjectListing {
  readonly prefix: Buffer
  /** Exclusive. */
  readonly after: Buffer
  /** Empty: no grouping. */
  readonly delimiter: Buffer
  readonly amount: number
}

export type ListedItem = ObjectRecord | { readonly commonPrefix: Buffer }

export interface ObjectPage {
  readonly repository: Repository
  readonly items: readonly ListedItem[]
  readonly hasMore: boolean
  /** Where the next page starts (exclusive), as text; `""` at the end. */
  readonly nextOffset: string
}

/** Staged rows that come along with the statement that resolves the ref, per token. */
const FIRST_PAGE_EXTRA = 1

/** A page with results ends short rather than look for more behind so many rows that deletions hide. */
const HIDDEN_ROWS_PER_PAUSE = 8192

/** `excessRows`: staged rows that were fetched beyond those that the page could need. */
function noteRead(catalog: Catalog, { repository, branch, tokens }: ResolvedRef, excessRows: number): void {
  if (branch !== undefined) catalog.watch?.noteRead(repository.uid, branch.name, tokens.length - 1, excessRows)
}

/** A page of objects and common prefixes as `ref` sees them, in byte order. */
export async function listObjects(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  ref: string,
  listing: ObjectListing,
): Promise<ObjectPage> {
  const { prefix, delimiter, amount } = listing
  const bounds = listingBounds(listing)
  const name = parseRepositoryName(repository)
  const limit = amount + FIRST_PAGE_EXTRA
  const wanted = { start: bounds.start, end: bounds.end, limit }
  const found = await resolvePage(catalog.db, catalog.commits, name, parseRefExpression(ref), wanted)
  const resolved = found.ref
  await check(caller, resolved.repository, resolved.versions)
  let stagedRows = 0
  const staged =
    resolved.tokens.length === 0
      ? emptyCursor
      : stagedCursor(catalog.db, resolved.tokens, {
          start: bounds.start,
          ...(bounds.end === null ? {} : { end: bounds.end }),
          firstPage: found.firstPage,
          onRows: (rows) => {
            stagedRows += rows
          },
          ...(delimiter.length === 0 ? {} : { groups: { prefixBytes: prefix.length, delimiter } }),
        })
  const tree =
    resolved.metaRangeId === '' ? null : await openTree(tablesOf(catalog, resolved.repository), resolved.metaRangeId)
  const cursor = overlay(staged, tree === null ? emptyCursor : tree.cursor(), { pauseEvery: HIDDEN_ROWS_PER_PAUSE })
  const page = await listPage({ ...listing, cursor })
  if (resolved.tokens.length > 0) noteRead(catalog, resolved, stagedRows - limit * resolved.tokens.length)
  const items = page.results.map((item) =>
    item.kind === 'object'
      ? showRecord(catalog, resolved.repository, item.key, decodeEntry(item.value))
      : { commonPrefix: item.key },
  )
  return { repository: resolved.repository, items, hasMore: page.hasMore, nextOffset: page.resume }
}
