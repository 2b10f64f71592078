/** Compaction of a branch's staging area: what is staged becomes a tree, so that reads find it by ranges and not row by row. */
import { setTimeout as sleep } from 'node:timers/promises'
import { commitTree } from '../committed/commit-tree.ts'
import { TableReader } from '../committed/table-reader.ts'
import type { TableStore } from '../committed/table-store.ts'
import { sameRecords } from '../committed/tree-changes.ts'
import { isDomainError } from '../errors.ts'
import type { BranchName, Repository } from '../model.ts'
import { getCommit } from '../refs/commits.ts'
import {
  type CompactionLease,
  claimCompaction,
  publishCompacted,
  releaseCompaction,
  renewCompaction,
} from '../staging/compact.ts'
import { dropSealed } from '../staging/publish.ts'
import { stagedCursor } from '../staging/read.ts'
import { type SealedBranch, sealBranch } from '../staging/seal.ts'
import { type Catalog, tablesOf } from './catalog.ts'

/** Races that one compaction may lose against commits and resets of its branch before it leaves it to the next one. */
const maxAttempts = 3

export interface CompactionOptions {
  /** How long a server that says nothing keeps others off, so how long a branch waits behind one that died. */
  readonly leaseMs: number
  /** Ends the work at the next table; what it has not published is garbage. */
  readonly signal?: AbortSignal
}

/**
 * Writes the head with everything staged as a tree and lets it stand in for the head's, until the branch's next commit or reset. What
 * clients see stays the same: it is still uncommitted. Every loss of a race is silent.
 *
 * @returns whether what was staged is compacted now; false when another server is at it or others were always faster
 * @throws branch_not_found, storage_*, outcome_unknown, database_unavailable
 */
export async function compactBranch(
  catalog: Catalog,
  repository: Repository,
  branch: BranchName,
  options: CompactionOptions,
): Promise<boolean> {
  const { store } = tablesOf({ ...catalog, observe: () => undefined }, repository)
  const lease = await claimCompaction(catalog.db, repository.uid, branch, options.leaseMs)
  if (lease === null) return false
  const work = new Compaction(catalog, repository, branch, store, options, lease)
  try {
    const done = await work.run()
    await work.release()
    return done
  } catch (error) {
    // With an unknown outcome the branch may stand on this tree: its row then stays until the lease is over.
    if (!isDomainError(error, 'outcome_unknown')) await work.release().catch(() => undefined)
    if (error instanceof Abandoned) return false
    throw error
  }
}

/** The lease is lost, or the server stops. */
class Abandoned extends Error {}

class Compaction {
  readonly #catalog: Catalog
  readonly #repository: Repository
  readonly #branch: BranchName
  readonly #options: CompactionOptions
  readonly #tables: TableReader
  #lease: CompactionLease
  #renewedMs = performance.now()

  constructor(
    catalog: Catalog,
    repository: Repository,
    branch: BranchName,
    store: TableStore,
    options: CompactionOptions,
    lease: CompactionLease,
  ) {
    this.#catalog = catalog
    this.#repository = repository
    this.#branch = branch
    this.#options = options
    this.#lease = lease
    const write = async (id: string, bytes: Uint8Array) => {
      await store.write(id, bytes)
      catalog.observe('compact.table-written')
      await this.#goOn()
    }
    this.#tables = new TableReader({ ...store, write }, catalog.blockCache)
  }

  async run(): Promise<boolean> {
    const { db } = this.#catalog
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const sealed = await sealBranch(db, this.#repository.uid, this.#branch)
      if (sealed.tokens.length === 0) return true
      this.#catalog.observe('compact.sealed')
      if (await this.#publish(sealed)) {
        this.#catalog.observe('compact.published')
        return true
      }
      await this.#goOn()
      await sleep(Math.random() * 2 ** (attempt + 3))
    }
    return false
  }

  release(): Promise<void> {
    return releaseCompaction(this.#catalog.db, this.#lease)
  }

  async #publish(sealed: SealedBranch): Promise<boolean> {
    const { db, commits, options } = this.#catalog
    const head = (await getCommit(db, commits, sealed.repoUid, sealed.commitId)).metaRangeId
    const { metaRangeId } = await commitTree({
      reader: this.#tables,
      base: sealed.baseMetaRangeId ?? head,
      head,
      changes: stagedCursor(db, sealed.tokens),
      policy: options.rangePolicy,
    })
    this.#catalog.observe('compact.tree-written')
    if (await sameRecords(this.#tables, head, metaRangeId)) return dropSealed(db, sealed)
    return publishCompacted(db, sealed, metaRangeId, this.#lease)
  }

  /** @throws Abandoned */
  async #goOn(): Promise<void> {
    if (this.#options.signal?.aborted === true) throw new Abandoned('the server stops')
    const nowMs = performance.now()
    if (nowMs - this.#renewedMs < this.#options.leaseMs / 4) return
    this.#renewedMs = nowMs
    const renewed = await renewCompaction(this.#catalog.db, this.#lease)
    if (renewed === null) throw new Abandoned('another server took over')
    this.#lease = renewed
  }
}
