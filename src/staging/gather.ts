/**
 * Gathering of writes, for servers: one batch per branch is in flight in this process, and whoever arrives meanwhile goes into the
 * next one. Nobody waits for a clock, so an idle server adds no latency; a busy one sends few large statements instead of many small.
 */
import type { Db } from '../db/db.ts'
import { isDomainError } from '../errors.ts'
import type { BranchName, RepositoryUid } from '../model.ts'
import { type StageRow, type StageWriter, stageRows } from './write.ts'

/** Bounds of a statement that callers share. */
const maxBatchRows = 512
const maxBatchBytes = 4 << 20
/** A caller alone: up to so many rows, as many as one request can delete, are one statement; beyond (or beyond the bytes) several. */
const maxCallerRows = 1000

interface Caller {
  readonly rows: readonly StageRow[]
  readonly bytes: number
  resolve(): void
  reject(error: unknown): void
}

interface Lane {
  readonly repoUid: RepositoryUid
  readonly branch: BranchName
  waiting: Caller[]
}

/** A writer whose callers share statements; every caller gets its own outcome. */
export function createGatheringWriter(db: Db): StageWriter {
  const lanes = new Map<string, Lane>()

  async function drain(key: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) await sendBatch(db, lane, takeBatch(lane))
    lanes.delete(key)
  }

  return {
    stage: (repoUid, branch, rows) =>
      new Promise((resolve, reject) => {
        const caller = { rows, bytes: bytesOf(rows), resolve, reject }
        const key = `${repoUid}/${branch}`
        const lane = lanes.get(key)
        if (lane !== undefined) {
          lane.waiting.push(caller)
          return
        }
        const opened = { repoUid, branch, waiting: [caller] }
        lanes.set(key, opened)
        void drain(key, opened)
      }),
  }
}

/** Callers from the front until a bound is met; at least one. */
function takeBatch(lane: Lane): Caller[] {
  let rows = 0
  let bytes = 0
  let count = 0
  for (const caller of lane.waiting) {
    rows += caller.rows.length
    bytes += caller.bytes
    if (count > 0 && (rows > maxBatchRows || bytes > maxBatchBytes)) break
    count++
  }
  if (count === lane.waiting.length) {
    const all = lane.waiting
    lane.waiting = []
    return all
  }
  return lane.waiting.splice(0, count)
}

/** Never rejects: each caller is told. */
async function sendBatch(db: Db, lane: Lane, callers: readonly Caller[]): Promise<void> {
  try {
    const [only] = callers
    if (only !== undefined && callers.length === 1) await sendSlices(db, lane, only.rows)
    else
      await stageRows(
        db,
        lane.repoUid,
        lane.branch,
        callers.flatMap(({ rows }) => rows),
      )
    for (const caller of callers) caller.resolve()
  } catch (error) {
    if (callers.length === 1 || isSharedFate(error)) {
      for (const caller of callers) caller.reject(error)
      return
    }
    // The statement was refused as a whole because of somebody's row: each alone, in order.
    for (const caller of callers) await sendBatch(db, lane, [caller])
  }
}

/** Failures that have nothing to do with whose rows they were. `outcome_unknown` must not be sent again. */
function isSharedFate(error: unknown): boolean {
  return isDomainError(error, 'branch_not_found', 'database_unavailable', 'outcome_unknown', 'contended')
}

async function sendSlices(db: Db, lane: Lane, rows: readonly StageRow[]): Promise<void> {
  let start = 0
  let bytes = 0
  for (const [at, row] of rows.entries()) {
    const size = bytesOf([row])
    if (at > start && (at - start === maxCallerRows || bytes + size > maxBatchBytes)) {
      await stageRows(db, lane.repoUid, lane.branch, rows.slice(start, at))
      start = at
      bytes = 0
    }
    bytes += size
  }
  await stageRows(db, lane.repoUid, lane.branch, start === 0 ? rows : rows.slice(start))
}

function bytesOf(rows: readonly StageRow[]): number {
  let bytes = 0
  for (const { path, value } of rows) bytes += path.length + (value?.length ?? 0)
  return bytes
}
