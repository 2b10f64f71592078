/** Keeps staging areas small, beside the requests of a server: compacts the branches that its watch notices, one after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDomainError } from '../errors.ts'
import type { BranchName, RepositoryUid } from '../model.ts'
import { getRepositoryByUid } from '../refs/repositories.ts'
import { type BranchPlace, firstPlace, stagingLoad, surveySealed } from '../staging/compact.ts'
import type { Catalog } from './catalog.ts'
import { compactBranch } from './compact.ts'
import type { CompactionThresholds } from './staging-watch.ts'

export interface CompactorSettings {
  readonly thresholds: CompactionThresholds
  /** As in `CompactionOptions`. */
  readonly leaseMs: number
  /** Tokens that a commit under way has sealed are gone after so long; those that still lie there pile up. */
  readonly settleMs: number
  /** A branch that was looked at rests so long, */
  readonly restMs: number
  /** and so many times as long as its compaction took: of a core, one part in so many at most goes into rewriting it. */
  readonly restFactor: number
}

export const compactorDefaults = {
  leaseMs: 60_000,
  settleMs: 2000,
  restMs: 1000,
  restFactor: 9,
} as const

/** Sealed tokens from which on a branch is compacted. */
export const crowdedTokens = 8

export interface Compactor {
  /** This branch may be worth it. Returns at once. */
  notice(repoUid: RepositoryUid, branch: BranchName): void
  /**
   * Once a minute: looks through the next thousand branches for tokens that pile up. The work itself goes on behind the answer.
   */
  survey(): Promise<void>
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
  /** Gives up what is under way, at its next table. */
  stop(): Promise<void>
}

const SURVEYED_PER_ROUND = 1000
/** Noticed branches that wait; beyond that they are noticed again by the next slow read. */
const MAX_WAITING = 10_000

/** `onError` is told of compactions that failed; their branches stay as they were. */
export function createCompactor(
  catalog: Catalog,
  settings: CompactorSettings,
  onError: (error: unknown, place: BranchPlace) => void,
): Compactor {
  const waiting = new Map<string, BranchPlace>()
  /** When branches that were compacted may be so again, by `performance.now()`. */
  const restsUntilMs = new Map<string, number>()
  const stopping = new AbortController()
  let surveyed = firstPlace
  let draining: Promise<void> | null = null
  let waking: NodeJS.Timeout | undefined

  const rests = (key: string): boolean => {
    const until = restsUntilMs.get(key)
    if (until === undefined) return false
    if (until > performance.now()) return true
    restsUntilMs.delete(key)
    return false
  }

  async function isWorthIt({ repoUid, branch }: BranchPlace): Promise<boolean> {
    const { tombstones, sealedTokens } = settings.thresholds
    const before = await stagingLoad(catalog.db, repoUid, branch, tombstones)
    if (before === null) return false
    if (before.hasRows) return true
    if (before.sealedTokens < sealedTokens) return false
    await sleep(settings.settleMs, undefined, { signal: stopping.signal })
    const after = await stagingLoad(catalog.db, repoUid, branch, tombstones)
    return after !== null && after.sealedTokens >= sealedTokens && after.oldestSealed === before.oldestSealed
  }

  async function work(key: string, place: BranchPlace): Promise<void> {
    let workedMs = 0
    try {
      if (!(await isWorthIt(place))) return
      const repository = await getRepositoryByUid(catalog.db, place.repoUid)
      const startedMs = performance.now()
      try {
        await compactBranch(catalog, repository, place.branch, { leaseMs: settings.leaseMs, signal: stopping.signal })
      } finally {
        workedMs = performance.now() - startedMs
      }
    } catch (error) {
      const gone = isDomainError(error, 'branch_not_found', 'repository_not_found')
      if (!gone && !stopping.signal.aborted) onError(error, place)
    } finally {
      restsUntilMs.set(key, performance.now() + Math.max(settings.restMs, workedMs * settings.restFactor))
    }
  }

  async function drain(): Promise<void> {
    // A map's walk meets what is added on the way.
    for (const [key, place] of waiting) {
      if (stopping.signal.aborted) return
      if (rests(key)) continue
      waiting.delete(key)
      await work(key, place)
    }
    const ends = [...waiting.keys()].map((key) => restsUntilMs.get(key) ?? 0)
    clearTimeout(waking)
    if (ends.length > 0) waking = setTimeout(start, Math.max(0, Math.min(...ends) - performance.now())).unref()
  }

  function start(): Promise<void> {
    draining ??= drain().finally(() => {
      draining = null
    })
    return draining
  }

  function add(place: BranchPlace): void {
    if (waiting.size < MAX_WAITING) waiting.set(`${place.repoUid}/${place.branch}`, place)
  }

  return {
    notice(repoUid, branch) {
      add({ repoUid, branch })
      void start()
    },
    async survey() {
      const { crowded, next } = await surveySealed(
        catalog.db,
        surveyed,
        SURVEYED_PER_ROUND,
        settings.thresholds.sealedTokens,
      )
      surveyed = next
      for (const place of crowded) add(place)
      for (const key of restsUntilMs.keys()) rests(key)
      void start()
    },
    async settled() {
      await draining
    },
    async stop() {
      stopping.abort()
      await draining
      clearTimeout(waking)
    },
  }
}
