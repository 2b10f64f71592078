/** Taking uncommitted changes back. */
import { commitTree } from '../committed/commit-tree.ts'
import { listingBounds } from '../committed/list-page.ts'
import { openTree } from '../committed/tree.ts'
import { treeChanges } from '../committed/tree-changes.ts'
import { DomainError, isDomainError } from '../errors.ts'
import type { Cursor, MetaRangeId, ObjectPath } from '../model.ts'
import { parseObjectPath } from '../refs/names.ts'
import type { ResolvedRef } from '../refs/resolve.ts'
import { resetPaths, resetBranch as resetStaging } from '../staging/reset.ts'
import { beginTree, endTree } from '../staging/trees.ts'
import { type Caller, type Catalog, tablesOf } from './catalog.ts'
import { refuseProtected } from './protection.ts'
import { findBranch, refuseReadOnly } from './resolve.ts'

/** What is taken back: all, one path, or every path that starts so. */
export type ResetScope =
  | { readonly type: 'all' }
  | { readonly type: 'object'; readonly path: Buffer }
  | { readonly type: 'prefix'; readonly prefix: Buffer }

export interface ResetRequest {
  readonly repository: string
  readonly branch: string
  readonly scope: ResetScope
  /** Also in a read-only repository. */
  readonly force: boolean
}

interface PathRange {
  readonly start: ObjectPath
  readonly end: ObjectPath | null
}

/** Races that a reset may lose against commits of its branch before its caller is told. */
const maxAttempts = 16

/**
 * Drops uncommitted changes; what is committed shows again. Where nothing is uncommitted nothing happens.
 *
 * @throws repository_not_found, branch_not_found, branch_protected, invalid_argument, read_only, contended, outcome_unknown, storage_*
 */
export async function resetBranch(catalog: Catalog, caller: Caller, request: ResetRequest): Promise<void> {
  const range = rangeOf(request.scope)
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const branch = await findBranch(catalog, caller, request.repository, request.branch)
    refuseProtected(branch.repository, branch.name, 'write to')
    refuseReadOnly(branch.repository, request.force)
    if (range === null) return resetStaging(catalog.db, branch.repository.uid, branch.name)
    const { commitId, metaRangeId } = branch
    const reset = { ...range, repoUid: branch.repository.uid, branch: branch.name, commitId, metaRangeId }
    if (metaRangeId === branch.commitMetaRangeId) {
      if (await resetPaths(catalog.db, { ...reset, baseMetaRangeId: null })) return
      continue
    }
    const treeId = await beginTree(catalog.db, branch.repository.uid, 'reset')
    try {
      const baseMetaRangeId = await restoreRange(catalog, branch, range)
      const done = await resetPaths(catalog.db, { ...reset, baseMetaRangeId })
      await endTree(catalog.db, treeId)
      if (done) return
    } catch (error) {
      // As with a commit: with an unknown outcome the branch may stand on this tree.
      if (!isDomainError(error, 'outcome_unknown')) await endTree(catalog.db, treeId).catch(() => undefined)
      throw error
    }
  }
  throw new DomainError('contended', `cannot reset "${request.branch}": commits were always faster`)
}

/** Null: everything. */
function rangeOf(scope: ResetScope): PathRange | null {
  if (scope.type === 'object') {
    const start = parseObjectPath(scope.path)
    return { start, end: Buffer.concat([start, Buffer.alloc(1)]) }
  }
  if (scope.type === 'all' || scope.prefix.length === 0) return null
  const nothing = Buffer.alloc(0)
  return listingBounds({ prefix: scope.prefix, after: nothing, delimiter: nothing })
}

/** The branch's compacted tree with the head's records in the range; null when that is the head's own tree. */
async function restoreRange(catalog: Catalog, branch: ResolvedRef, range: PathRange): Promise<MetaRangeId | null> {
  const reader = tablesOf(catalog, branch.repository)
  const compacted = await openTree(reader, branch.metaRangeId)
  const head = await openTree(reader, branch.commitMetaRangeId)
  const { metaRangeId } = await commitTree({
    reader,
    base: branch.metaRangeId,
    changes: within(treeChanges(compacted, head), range),
    policy: catalog.options.rangePolicy,
  })
  return metaRangeId === branch.commitMetaRangeId ? null : metaRangeId
}

function within(cursor: Cursor, { start, end }: PathRange): Cursor {
  let started = false
  const settle = async (found: boolean | Promise<boolean>) =>
    (await found) && (end === null || Buffer.compare(cursor.key, end) < 0)
  return {
    get key() {
      return cursor.key
    },
    get value() {
      return cursor.value
    },
    next() {
      if (started) return settle(cursor.next())
      started = true
      return settle(cursor.seek(start))
    },
    seek: (key) => settle(cursor.seek(key)),
  }
}
