/** Notices, by counts that cost nothing, branches whose staging area slows reads down. A notice is a hint: who acts on it looks first. */
import type { BranchName, RepositoryUid } from '../model.ts'
import type { StageWriter } from '../staging/write.ts'

/** From where on a branch is worth compacting. */
export interface CompactionThresholds {
  /** Staged tombstones, which a listing reads one by one; ten other rows, which it does not, count as one. */
  readonly tombstones: number
  /** Sealed tokens, each of which every read looks into. */
  readonly sealedTokens: number
}

export interface StagingWatch {
  /** Rows were written. */
  noteWrite(repoUid: RepositoryUid, branch: BranchName, puts: number, tombstones: number): void
  /** A read looked into so many sealed tokens, and at so many rows beyond those that it could show. */
  noteRead(repoUid: RepositoryUid, branch: BranchName, sealedTokens: number, excessRows: number): void
}

const PUTS_PER_TOMBSTONE = 10
/** Branches whose writes are counted; of more, the one that was counted first starts anew. */
const MAX_COUNTED = 10_000

/** A watch that calls `notice` for a branch each time it may have crossed a threshold. Counts are of this process. */
export function createStagingWatch(
  thresholds: CompactionThresholds,
  notice: (repoUid: RepositoryUid, branch: BranchName) => void,
): StagingWatch {
  const weights = new Map<string, number>()
  return {
    noteWrite(repoUid, branch, puts, tombstones) {
      const key = `${repoUid}/${branch}`
      const weight = (weights.get(key) ?? 0) + tombstones + puts / PUTS_PER_TOMBSTONE
      if (weight >= thresholds.tombstones) {
        weights.delete(key)
        notice(repoUid, branch)
        return
      }
      weights.set(key, weight)
      for (const oldest of weights.keys()) {
        if (weights.size <= MAX_COUNTED) break
        weights.delete(oldest)
      }
    },
    noteRead(repoUid, branch, sealedTokens, excessRows) {
      if (sealedTokens >= thresholds.sealedTokens || excessRows >= thresholds.tombstones) notice(repoUid, branch)
    },
  }
}

/** `writer`, with what it has written told to `watch`. */
export function watchWrites(writer: StageWriter, watch: StagingWatch): StageWriter {
  return {
    async stage(repoUid, branch, rows) {
      await writer.stage(repoUid, branch, rows)
      let tombstones = 0
      for (const { value } of rows) if (value === null) tombstones++
      watch.noteWrite(repoUid, branch, rows.length - tombstones, tombstones)
    },
  }
}
