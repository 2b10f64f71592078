/** The history of a ref. */
import { differIn, type PathFilter } from '../committed/touched.ts'
import { openTree } from '../committed/tree.ts'
import { DomainError } from '../errors.ts'
import type { Commit, CommitId, Repository, RepositoryName } from '../model.ts'
import { getCommit } from '../refs/commits.ts'
import { logCommits as walkLog } from '../refs/log.ts'
import { requireCommit } from '../refs/resolve.ts'
import { type Caller, type Catalog, tablesOf } from './catalog.ts'
import { findRef } from './resolve.ts'

export interface LogRequest {
  readonly amount: number
  /** Commit id, exclusive; `""`: from the start. */
  readonly after: string
  readonly firstParent: boolean
  /** Unix seconds, may have a fraction; older commits end the walk. */
  readonly sinceSeconds: number | null
  /** A ref whose commit is the last one given; `""`: none. */
  readonly stopAt: string
  /** Ends with the page: whether more would follow is not looked at. */
  readonly limited: boolean
  /** Only commits that changed one of these paths; null: all. */
  readonly paths: PathFilter | null
}

export interface LogPage {
  readonly items: readonly Commit[]
  readonly hasMore: boolean
  /** `after` of the next page; `""` at the end. */
  readonly nextOffset: string
}

const COMMIT_ID = /^[0-9a-f]{64}$/
/** Commits compared at once, at most: each needs its tree's metarange, which may lie far away. */
const COMPARED_AT_ONCE = 16
/** A page that has something ends after so many commits that did not touch the paths. */
const PASSED_BEFORE_PAUSE = 1000

/**
 * One page of the history of `ref`, newest first. With paths, as in lakeFS, only commits with exactly one parent count, by what they
 * changed against it; a page may then be short, though never empty, with more to come.
 * @throws ref_not_found, invalid_ref, storage_*
 */
export async function logCommits(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  ref: string,
  request: LogRequest,
): Promise<LogPage> {
  const found = await findRef(catalog, caller, repository, ref)
  const { uid, name } = found.repository
  const stopAt = request.stopAt === '' ? null : await resolveStop(catalog, caller, name, request.stopAt)
  const { sinceSeconds, amount, paths } = request
  // Nothing follows what cannot be a commit.
  if (request.after !== '' && !COMMIT_ID.test(request.after)) return { items: [], hasMore: false, nextOffset: '' }
  const walk = walkLog(catalog.db, catalog.commits, uid, requireCommit(found), {
    firstParent: request.firstParent,
    ...(request.after === '' ? {} : { after: request.after as CommitId }),
    ...(stopAt === null ? {} : { stopAt }),
    ...(sinceSeconds === null ? {} : { since: timestamp(sinceSeconds) }),
  })
  const items: Commit[] = []
  let last = ''
  let passed = 0
  for await (const { commit, counts } of paths === null
    ? all(walk)
    : compared(catalog, found.repository, walk, paths)) {
    if (counts && items.length === amount) return { items, hasMore: true, nextOffset: last }
    if (counts) items.push(commit)
    if (request.limited && items.length === amount) break
    passed = counts ? 0 : passed + 1
    last = commit.id
    if (passed >= PASSED_BEFORE_PAUSE && items.length > 0) return { items, hasMore: true, nextOffset: last }
  }
  return { items, hasMore: false, nextOffset: '' }
}

/** A commit of the history and whether it belongs to what was asked for. */
interface Judged {
  readonly commit: Commit
  readonly counts: boolean
}

async function* all(log: AsyncIterable<Commit>): AsyncGenerator<Judged> {
  for await (const commit of log) yield { commit, counts: true }
}

/** The commits of a log, each compared with its parent in `paths`; several at once, told in order. */
async function* compared(
  catalog: Catalog,
  repository: Repository,
  log: AsyncIterable<Commit>,
  paths: PathFilter,
): AsyncGenerator<Judged> {
  const judge = async (commit: Commit): Promise<Judged> => ({
    commit,
    counts: await touched(catalog, repository, commit, paths),
  })
  let batch: Commit[] = []
  // Few at first: often the first ones are all that is wanted.
  let atOnce = 1
  for await (const commit of log) {
    batch.push(commit)
    if (batch.length < atOnce) continue
    yield* await Promise.all(batch.map(judge))
    batch = []
    atOnce = Math.min(2 * atOnce, COMPARED_AT_ONCE)
  }
  yield* await Promise.all(batch.map(judge))
}

async function touched(catalog: Catalog, repository: Repository, commit: Commit, paths: PathFilter): Promise<boolean> {
  const [parentId] = commit.parents
  if (parentId === undefined || commit.parents.length > 1) return false
  const parent = await getCommit(catalog.db, catalog.commits, repository.uid, parentId)
  if (parent.metaRangeId === commit.metaRangeId) return false
  const tables = tablesOf(catalog, repository)
  const [before, now] = await Promise.all([openTree(tables, parent.metaRangeId), openTree(tables, commit.metaRangeId)])
  return differIn(before, now, paths)
}

async function resolveStop(
  catalog: Catalog,
  caller: Caller,
  repository: RepositoryName,
  ref: string,
): Promise<CommitId> {
  try {
    return requireCommit(await findRef(catalog, caller, repository, ref))
  } catch (cause) {
    if (cause instanceof DomainError) throw new DomainError(cause.code, `stop_at: ${cause.message}`, { cause })
    throw cause
  }
}

function timestamp(seconds: number) {
  const whole = Math.floor(seconds)
  return { seconds: whole, nanos: Math.round((seconds - whole) * 1e9) }
}
