import { BlockCache } from '../../src/committed/block-cache.ts'
import type { RangePolicy } from '../../src/committed/range-policy.ts'
import { TableReader } from '../../src/committed/table-reader.ts'
import type { MetaRangeId } from '../../src/model.ts'
import { fixtureJson, fixtureTables, type GoldenRepository } from './fixtures.ts'
import { type MemoryTableStore, memoryTableStore } from './memory-table-store.ts'

export interface GoldenCommit {
  readonly id: string
  readonly committer: string
  readonly message: string
  readonly creation_date: number
  readonly creation_nanos: number
  readonly meta_range_id: MetaRangeId
  readonly metadata: Record<string, string>
  readonly parents: readonly string[]
  readonly version: number
  readonly generation: number
  readonly preimage_hex: string
  readonly name: string
}

/** A golden repository's tables in memory, with a fresh cache. */
export function openGolden(
  name: GoldenRepository,
  cacheBytes = 64 << 20,
): { store: MemoryTableStore; reader: TableReader } {
  const store = memoryTableStore(fixtureTables(name))
  return { store, reader: new TableReader(store, new BlockCache(cacheBytes)) }
}

export function goldenCommits(name: GoldenRepository): readonly GoldenCommit[] {
  return fixtureJson<{ commits: GoldenCommit[] }>(name, 'expected/commits.json').commits
}

/** The metarange behind a commit id, branch, tag or `branch@` of the fixtures. */
export function goldenMetaRange(name: GoldenRepository, ref: string): MetaRangeId {
  const refs = fixtureJson<{ branches: Record<string, string>; tags: Record<string, string> }>(
    name,
    'expected/refs.json',
  )
  const base = ref.replace(/@$/, '')
  const id = refs.branches[base] ?? refs.tags[base] ?? base
  const commit = goldenCommits(name).find((candidate) => candidate.id === id || candidate.name === id)
  if (commit === undefined) throw new Error(`the fixtures know no ref ${ref}`)
  return commit.meta_range_id
}

/** The limits that the repository was written under. */
export function goldenPolicy(name: GoldenRepository): RangePolicy {
  const { params } = fixtureJson<{ params: Record<string, number> }>(name, 'expected/tables.json')
  return {
    minRangeSizeBytes: params.min_range_size_bytes ?? 0,
    maxRangeSizeBytes: params.max_range_size_bytes ?? 0,
    rangeRaggednessEntries: params.range_raggedness_entries ?? 0,
  }
}
