/** The history of a ref. */
import { DomainError } from '../errors.ts'
import type { Commit, CommitId, RepositoryName } from '../model.ts'
import { logCommits as walkLog } from '../refs/log.ts'
import type { Page } from '../refs/page.ts'
import { requireCommit } from '../refs/resolve.ts'
import type { Caller, Catalog } from './catalog.ts'
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
}

/** One page of the history of `ref`, newest first. @throws ref_not_found, invalid_ref */
export async function logCommits(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  ref: string,
  request: LogRequest,
): Promise<Page<Commit>> {
  const found = await findRef(catalog, caller, repository, ref)
  const { uid, name } = found.repository
  const stopAt = request.stopAt === '' ? null : await resolveStop(catalog, caller, name, request.stopAt)
  const { sinceSeconds } = request
  const log = walkLog(catalog.db, catalog.commits, uid, requireCommit(found), {
    firstParent: request.firstParent,
    ...(stopAt === null ? {} : { stopAt }),
    ...(sinceSeconds === null ? {} : { since: timestamp(sinceSeconds) }),
  })
  const items: Commit[] = []
  let waiting = request.after !== ''
  for await (const made of log) {
    if (waiting) waiting = made.id !== request.after
    else if (items.length === request.amount) return { items, hasMore: true }
    else items.push(made)
  }
  return { items, hasMore: false }
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
