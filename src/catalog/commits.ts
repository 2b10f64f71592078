/** Commits: made and found. */
import { setTimeout as sleep } from 'node:timers/promises'
import { commitTree, writeEmptyTree } from '../committed/commit-tree.ts'
import { commitId } from '../committed/identity.ts'
import type { TableReader } from '../committed/table-reader.ts'
import { sameRecords } from '../committed/tree-changes.ts'
import type { Db } from '../db/db.ts'
import { DomainError, isDomainError } from '../errors.ts'
import type { BranchName, Commit, MetaRangeId, Repository, RepositoryUid } from '../model.ts'
import { getCommit as readCommit } from '../refs/commits.ts'
import { parseBranchName } from '../refs/names.ts'
import { requireCommit } from '../refs/resolve.ts'
import { dropSealed, publishCommit } from '../staging/publish.ts'
import { stagedCursor } from '../staging/read.ts'
import { type JustSealed, lockSealed, readSealed, type SealedBranch, sealBranch } from '../staging/seal.ts'
import { beginTree, endTree, othersCommit } from '../staging/trees.ts'
import { type Caller, type Catalog, tablesOf } from './catalog.ts'
import { now } from './clock.ts'
import { refuseProtected } from './protection.ts'
import { findRef, findRepository, refuseReadOnly } from './resolve.ts'
import type { Turn } from './turns.ts'
import { uncommittedChanges } from './uncommitted.ts'

export interface CommitRequest {
  readonly repository: string
  readonly branch: string
  readonly message: string
  readonly metadata: Readonly<Record<string, string>>
  readonly committer: string
  /** Unix seconds in place of the clock's; null: now. */
  readonly dateSeconds: number | null
  readonly allowEmpty: boolean
  /** A tree that is there already, committed as it is to a branch without uncommitted changes; null: what is staged. */
  readonly sourceTree: MetaRangeId | null
  /** Also in a read-only repository. */
  readonly force: boolean
}

/** Races that a commit may lose before its caller is told; only resets of the branch can make it lose more than a few. */
const maxLost = 16
/** From so many lost races on a tree that still fits is published under the branch's lock, where nobody can be faster. */
const patience = 3
/** A commit waits so long for others that have sealed before it: longer than most take, and not long after one that died. */
const patienceMs = 2000

/**
 * Freezes what is staged on a branch. Every write acknowledged before the call is in the commit, or in one that was faster: then
 * there are no changes. Prepare builds the tree outside any transaction, publish is one statement.
 *
 * Commits of a branch do not starve each other. In one process they take turns, and who has waited while another commit sealed and
 * published is done: nobody waits for more than two. Between processes: a commit seals once and builds only what it sealed. Others
 * publish the oldest sealed tokens first, so whoever sealed later and wins has taken all of it, and whoever sealed earlier can win
 * once. A head that moved without a change of its tree (an empty commit) costs no rebuild.
 *
 * A small commit never overtakes a large one that sealed earlier: it would answer before writes that were acknowledged before it are
 * in the head.
 *
 * @throws repository_not_found, branch_not_found, branch_protected, no_changes, dirty_branch, read_only, contended, storage_*,
 *   outcome_unknown
 */
export async function commit(catalog: Catalog, caller: Caller, request: CommitRequest): Promise<Commit> {
  const branch = parseBranchName(request.branch)
  const repository = await findRepository(catalog, caller, request.repository)
  refuseProtected(repository, branch, 'commit to')
  refuseReadOnly(repository, request.force)
  if (request.sourceTree !== null) await requireTree(tablesOf(catalog, repository), request.sourceTree)
  const work = (turn: Turn) => announceAndCommit(catalog, repository, branch, request, turn)
  return catalog.turns === undefined ? work(alone) : catalog.turns.take(`${repository.uid}/${branch}`, work)
}

/** The turn of whoever need not wait for one. */
const alone: Turn = { served: false, serve: () => undefined }

async function announceAndCommit(
  catalog: Catalog,
  repository: Repository,
  branch: BranchName,
  request: CommitRequest,
  turn: Turn,
): Promise<Commit> {
  const treeId = await beginTree(catalog.db, repository.uid, 'commit')
  try {
    const made = await commitSealed(catalog, repository, branch, request, treeId, turn.served)
    turn.serve()
    return made
  } catch (error) {
    if (isDomainError(error, 'no_changes')) turn.serve()
    // With an unknown outcome the commit may stand on this tree: its row then stays until garbage collection has looked.
    // The first error is the one to tell; a row that stays is one more root for garbage collection.
    if (!isDomainError(error, 'outcome_unknown')) await endTree(catalog.db, treeId).catch(() => undefined)
    throw error
  }
}

/** A tree and the branch as it was built from. */
interface Prepared {
  readonly sealed: SealedBranch
  readonly head: Commit
  readonly tree: MetaRangeId
}

async function commitSealed(
  catalog: Catalog,
  repository: Repository,
  branch: BranchName,
  request: CommitRequest,
  treeId: string,
  served: boolean,
): Promise<Commit> {
  const { db } = catalog
  const tables = tablesOf(catalog, repository)
  const first = served ? await sealNothing(db, repository.uid, branch) : await sealBranch(db, repository.uid, branch)
  catalog.observe('commit.sealed')
  await letOlderFinish(db, first, treeId)
  let prepared: Prepared | null = null
  for (let lost = 0; lost <= maxLost; lost++) {
    const sealed =
      lost === 0 && first.older.length === 0 ? first : restOf(first, await readSealed(db, repository.uid, branch))
    const head = await readCommit(db, catalog.commits, repository.uid, sealed.commitId)
    if (prepared === null || !fits(prepared, sealed, head)) {
      const tree = await buildTree(catalog, tables, sealed, head, request)
      prepared = { sealed, head, tree }
      catalog.observe('commit.tree-written')
    }
    const made = makeCommit(request, head, prepared.tree)
    if (await publishCommit(db, sealed, made, treeId)) return published(catalog, made)
    if (lost >= patience) {
      const locked = await publishLocked(catalog, prepared, first, request, treeId)
      if (locked !== null) return published(catalog, locked)
    }
    await sleep(Math.random() * 2 ** Math.min(lost, 7))
  }
  throw new DomainError(
    'contended',
    `cannot commit "${branch}": its uncommitted changes were always taken back meanwhile`,
  )
}

/**
 * Waits a while for commits of other processes that sealed before: who built the same beside them would only be in their way. What
 * those that failed or died have left is ours.
 */
async function letOlderFinish(db: Db, { repoUid, branch, older }: JustSealed, treeId: string): Promise<void> {
  const patientUntil = performance.now() + patienceMs
  let left = older
  for (let waitMs = 4; left.length > 0 && performance.now() < patientUntil; waitMs = Math.min(2 * waitMs, 32)) {
    if (!(await othersCommit(db, repoUid, treeId))) return
    await sleep(waitMs)
    const { tokens } = await readSealed(db, repoUid, branch)
    left = tokens.filter((token) => older.includes(token))
  }
}

/** The branch as it is now, with nothing to commit: what is staged or sealed is for those who come later, or newer than the caller. */
async function sealNothing(db: Db, repoUid: RepositoryUid, branch: BranchName): Promise<JustSealed> {
  return { ...(await readSealed(db, repoUid, branch)), tokens: [], older: [] }
}

/** The branch as it is now, without what was sealed after `first`: that is for those who sealed it. */
function restOf(first: SealedBranch, now: SealedBranch): SealedBranch {
  return { ...now, tokens: now.tokens.filter((token) => first.tokens.includes(token)) }
}

/** Whether a tree is still what the branch would give now. */
function fits({ sealed, head }: Prepared, now: SealedBranch, nowHead: Commit): boolean {
  return (
    now.resetSeq === sealed.resetSeq &&
    now.baseMetaRangeId === sealed.baseMetaRangeId &&
    nowHead.metaRangeId === head.metaRangeId &&
    now.tokens.length === sealed.tokens.length &&
    now.tokens.every((token, at) => token === sealed.tokens[at])
  )
}

/** Publishes, under the branch's lock, a tree that fits the branch as it is then; null when it does not. */
function publishLocked(
  catalog: Catalog,
  prepared: Prepared,
  first: SealedBranch,
  request: CommitRequest,
  treeId: string,
): Promise<Commit | null> {
  const { repoUid, branch } = first
  return catalog.db.transaction(async (tx) => {
    const sealed = restOf(first, await lockSealed(tx, repoUid, branch))
    const head = await readCommit(tx, catalog.commits, repoUid, sealed.commitId)
    const tree = fits(prepared, sealed, head) ? prepared.tree : emptyCommitTree(request, sealed, head)
    if (tree === null) return null
    const made = makeCommit(request, head, tree)
    return (await publishCommit(tx, sealed, made, treeId)) ? made : null
  })
}

/** The head's tree, when nothing is left to commit and a commit is wanted all the same; null when there is one to build. */
function emptyCommitTree(request: CommitRequest, sealed: SealedBranch, head: Commit): MetaRangeId | null {
  const nothingLeft = sealed.tokens.length === 0 && sealed.baseMetaRangeId === null
  if (request.sourceTree !== null) return null
  return request.allowEmpty && nothingLeft && head.metaRangeId !== '' ? head.metaRangeId : null
}

function published(catalog: Catalog, made: Commit): Commit {
  catalog.observe('commit.published')
  return made
}

async function buildTree(
  catalog: Catalog,
  tables: TableReader,
  sealed: SealedBranch,
  head: Commit,
  { allowEmpty, sourceTree }: CommitRequest,
): Promise<MetaRangeId> {
  const base = sealed.baseMetaRangeId ?? head.metaRangeId
  if (sourceTree !== null) {
    const trees = { head: head.metaRangeId, base }
    const changes = await uncommittedChanges(tables, trees, stagedCursor(catalog.db, sealed.tokens))
    if (!(await changes.next())) return sourceTree
    throw new DomainError('dirty_branch', 'cannot use source MetaRange on a branch with uncommitted changes')
  }
  const changes = stagedCursor(catalog.db, sealed.tokens)
  const { metaRangeId } = await commitTree({
    reader: tables,
    base,
    head: head.metaRangeId,
    changes,
    policy: catalog.options.rangePolicy,
  })
  const changed =
    metaRangeId !== head.metaRangeId &&
    (base === head.metaRangeId || !(await sameRecords(tables, head.metaRangeId, metaRangeId)))
  if (changed) return metaRangeId
  if (!allowEmpty) {
    // Tokens without effect would be read by everybody from now on. Lost races leave them to the next commit.
    await dropSealed(catalog.db, sealed)
    throw new DomainError('no_changes', 'commit: no changes')
  }
  return head.metaRangeId === '' ? writeEmptyTree(tables.store) : head.metaRangeId
}

/** lakeFS takes any id on trust; a commit on a tree that is not there could never be read. @throws invalid_argument */
async function requireTree(tables: TableReader, id: MetaRangeId): Promise<void> {
  try {
    await tables.metaRange(id)
  } catch (cause) {
    if (!isDomainError(cause, 'storage_not_found', 'corrupt')) throw cause
    throw new DomainError(
      'invalid_argument',
      `parameter "source_metarange" in query has an error: the repository has no metarange "${id}": ${cause.message}`,
      { cause },
    )
  }
}

function makeCommit(request: CommitRequest, head: Commit, metaRangeId: MetaRangeId): Commit {
  const { committer, message, metadata, dateSeconds } = request
  const content = {
    committer,
    message,
    metadata,
    metaRangeId,
    creationDate: dateSeconds === null ? now() : { seconds: dateSeconds, nanos: 0 },
    parents: [head.id],
  }
  return { ...content, id: commitId(content), version: 1, generation: head.generation + 1 }
}

/** The commit that `ref` names. @throws commit_not_found, invalid_ref */
export async function getCommit(catalog: Catalog, caller: Caller, repository: string, ref: string): Promise<Commit> {
  try {
    const found = await findRef(catalog, caller, repository, ref)
    return await readCommit(catalog.db, catalog.commits, found.repository.uid, requireCommit(found))
  } catch (cause) {
    if (isDomainError(cause, 'ref_not_found')) throw new DomainError('commit_not_found', 'commit not found', { cause })
    throw cause
  }
}
