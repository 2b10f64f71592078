/** History in the order that clients see it. */
import type { Db } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { Commit, CommitId, RepositoryUid, Timestamp } from '../model.ts'
import { type CommitCache, getCommits, hasMergeAbove } from './commits.ts'

export interface LogOptions {
  /**
   * Gives only what follows this commit of the log. Of a commit that is not in the log nothing follows, or what follows it in its
   * own history.
   */
  readonly after?: CommitId
  /** Follows parents[0] only. */
  readonly firstParent?: boolean
  /** This commit is the last one given. */
  readonly stopAt?: CommitId
  /** Older commits are neither given nor followed. */
  readonly since?: Timestamp
  /** Commits given at most. */
  readonly limit?: number
}

/** How many generations one statement brings along: a page of 100 takes one or two. */
const prefetchDepth = 128

/**
 * Commits from `start` on: newest creation date first, of equal dates the greater id first, each once, its parents after it was
 * given (lakeFS's order; a parent dated later than its child still comes after it). What follows `after` costs no walk to there where
 * the history down to it is a line; below a merge what else is waiting is known only by walking.
 *
 * @throws commit_not_found when `start` or an ancestor has no record
 */
export async function* logCommits(
  db: Db,
  cache: CommitCache,
  repoUid: RepositoryUid,
  start: CommitId,
  options: LogOptions = {},
): AsyncGenerator<Commit, void, undefined> {
  const { after, firstParent = false, stopAt, since, limit = Number.POSITIVE_INFINITY } = options
  const heap = createHeap()
  const seen = new Set<CommitId>()
  let given = 0
  const from = after === undefined ? start : await entryPoint(db, cache, repoUid, start, after, options)
  if (from === null) return
  let waiting = after !== undefined

  async function push(ids: readonly CommitId[]): Promise<void> {
    const fresh = ids.filter((id) => !seen.has(id))
    if (fresh.length === 0) return
    for (const id of fresh) seen.add(id)
    const commits = await getCommits(db, cache, repoUid, fresh, { depth: prefetchDepth, firstParent })
    for (const id of fresh) {
      const commit = commits.get(id)
      if (commit === undefined) throw new DomainError('commit_not_found', 'commit not found')
      if (since === undefined || compareTime(commit.creationDate, since) >= 0) heap.push(commit)
    }
  }

  await push([from])
  for (let commit = heap.pop(); commit !== undefined && given < limit; commit = heap.pop()) {
    if (waiting) waiting = commit.id !== after
    else {
      given++
      yield commit
    }
    if (commit.id === stopAt || given >= limit) return
    await push(firstParent ? commit.parents.slice(0, 1) : commit.parents)
  }
}

/**
 * Where a walk that wants what follows `after` may start: there when nothing else can be waiting by then, else at `start`; null when
 * nothing follows. Generations grow from parent to child.
 */
async function entryPoint(
  db: Db,
  cache: CommitCache,
  repoUid: RepositoryUid,
  start: CommitId,
  after: CommitId,
  { firstParent = false, stopAt }: LogOptions,
): Promise<CommitId | null> {
  if (after === stopAt) return null
  if (after === start) return start
  const wanted = stopAt === undefined ? [start, after] : [start, after, stopAt]
  const commits = await getCommits(db, cache, repoUid, wanted)
  const [first, place] = [commits.get(start), commits.get(after)]
  if (first === undefined || place === undefined || place.generation >= first.generation) return null
  // On a line the log has not come to a stop of an older generation yet; one of a newer generation lies before or beside it.
  const stop = stopAt === undefined ? undefined : commits.get(stopAt)
  if (stop !== undefined && stop.generation >= place.generation) return start
  return firstParent || !(await hasMergeAbove(db, repoUid, place.generation)) ? after : start
}

function compareTime(left: Timestamp, right: Timestamp): number {
  return left.seconds - right.seconds || left.nanos - right.nanos
}

/** Whether `left` comes before `right` in a log. */
function precedes(left: Commit, right: Commit): boolean {
  const order = compareTime(left.creationDate, right.creationDate)
  return order === 0 ? left.id > right.id : order > 0
}

/** A binary heap, the next commit of the log on top. */
function createHeap(): { push(commit: Commit): void; pop(): Commit | undefined } {
  const items: Commit[] = []
  const before = (left: number, right: number): boolean => {
    const [a, b] = [items[left], items[right]]
    return a !== undefined && b !== undefined && precedes(a, b)
  }
  const swap = (left: number, right: number): void => {
    const [a, b] = [items[left], items[right]]
    if (a === undefined || b === undefined) return
    items[left] = b
    items[right] = a
  }
  return {
    push(commit) {
      let at = items.push(commit) - 1
      for (let up = (at - 1) >> 1; at > 0 && before(at, up); at = up, up = (at - 1) >> 1) swap(at, up)
    },
    pop() {
      swap(0, items.length - 1)
      const top = items.pop()
      for (let at = 0; ; ) {
        let first = at
        for (const child of [2 * at + 1, 2 * at + 2]) if (before(child, first)) first = child
        if (first === at) return top
        swap(at, first)
        at = first
      }
    },
  }
}
