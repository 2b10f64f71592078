/** Deleting many objects at once. */
import { openTree } from '../committed/tree.ts'
import { type DomainError, isDomainError } from '../errors.ts'
import type { MetaRangeId, ObjectPath, RefExpression, Repository } from '../model.ts'
import { parseBranchName, parseObjectPath, parseRepositoryName } from '../refs/names.ts'
import { resolvePaths } from '../refs/resolve.ts'
import { type Caller, type Catalog, tablesOf } from './catalog.ts'
import { refuseProtected } from './protection.ts'
import { onBranch, refuseReadOnly } from './resolve.ts'

export interface Deletion {
  readonly repository: string
  readonly branch: string
  readonly paths: readonly Buffer[]
  /** Also in a read-only repository. */
  readonly force: boolean
}

/** A path that was not deleted, and why. */
export interface Undeleted {
  readonly path: Buffer
  readonly error: DomainError
}

/** Lookups in the committed tree at the same time: each may be a read from the storage. */
const LOOKUPS_AT_ONCE = 16

/**
 * Removes objects from a branch: all that can be in one statement, or none when that fails. Paths that hold nothing are no error and
 * leave no trace. A deletion of nothing but an empty path (the root, as Spark asks for it) succeeds and deletes nothing; among other
 * paths an empty one is refused.
 *
 * @returns the paths that were refused each for itself: impossible ones, and all of a protected branch or a read-only repository
 * @throws repository_not_found, branch_not_found, storage_*, outcome_unknown
 */
export async function deleteObjects(
  catalog: Catalog,
  caller: Caller,
  deletion: Deletion,
): Promise<readonly Undeleted[]> {
  const branch = parseBranchName(deletion.branch)
  const { paths, undeleted } = sortOut(deletion.paths)
  const name = parseRepositoryName(deletion.repository)
  const resolving = resolvePaths(catalog.db, catalog.commits, name, branch as string as RefExpression, paths)
  const { ref, staged } = await onBranch(caller, resolving, `branch '${branch}' not found`)
  try {
    refuseProtected(ref.repository, branch, 'write to')
    refuseReadOnly(ref.repository, deletion.force)
  } catch (error) {
    if (!isDomainError(error, 'branch_protected', 'read_only')) throw error
    return [...undeleted, ...paths.map((path) => ({ path, error }))]
  }
  const committed = await findCommitted(
    catalog,
    ref.repository,
    ref.metaRangeId,
    paths.filter((_, at) => staged[at] === undefined),
  )
  const visible = [...paths.filter((_, at) => staged[at] === true), ...committed]
  if (visible.length > 0)
    await catalog.stage.stage(
      ref.repository.uid,
      branch,
      visible.map((path) => ({ path, value: null })),
    )
  return undeleted
}

function sortOut(all: readonly Buffer[]): { paths: ObjectPath[]; undeleted: Undeleted[] } {
  const paths: ObjectPath[] = []
  const undeleted: Undeleted[] = []
  if (all.every((path) => path.length === 0)) return { paths, undeleted }
  for (const path of all) {
    try {
      paths.push(parseObjectPath(path))
    } catch (error) {
      if (!isDomainError(error, 'invalid_argument')) throw error
      undeleted.push({ path, error })
    }
  }
  return { paths, undeleted }
}

/** Which of `paths` a tree holds. In byte order, so that neighbours find the block of the one before them cached. */
async function findCommitted(
  catalog: Catalog,
  repository: Repository,
  tree: MetaRangeId,
  paths: readonly ObjectPath[],
): Promise<readonly ObjectPath[]> {
  if (tree === '' || paths.length === 0) return []
  const opened = await openTree(tablesOf(catalog, repository), tree)
  const waiting = [...paths].sort(Buffer.compare).values()
  const found: ObjectPath[] = []
  const worker = async () => {
    for (const path of waiting) {
      const record = opened.lookup(path)
      if ((record instanceof Promise ? await record : record) !== null) found.push(path)
    }
  }
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, worker))
  return found
}
