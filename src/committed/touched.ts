import { Buffer } from 'node:buffer'
import type { ObjectPath } from '../model.ts'
import type { Tree } from './tree.ts'
import { treeChanges } from './tree-changes.ts'

/** Some paths of a tree: these, and all that begin with one of the prefixes. */
export interface PathFilter {
  readonly objects: readonly ObjectPath[]
  /** An empty one means every path. */
  readonly prefixes: readonly Buffer[]
}

/**
 * Whether two trees differ in a record that the filter means. Costs a descent for each of its paths into the ranges that only one of
 * the trees has; without such ranges nothing is read.
 * @throws storage_not_found when a table is missing, corrupt, storage_*
 */
export async function differIn(from: Tree, to: Tree, filter: PathFilter): Promise<boolean> {
  if (from.metaRange.id === to.metaRange.id) return false
  const wanted = [
    ...filter.objects.map((bytes) => ({ bytes, isPrefix: false })),
    ...filter.prefixes.map((bytes) => ({ bytes, isPrefix: true })),
  ].sort((a, b) => Buffer.compare(a.bytes, b.bytes))
  const changes = treeChanges(from, to)
  for (const { bytes, isPrefix } of wanted) {
    if (!(await changes.seek(bytes))) return false
    const { key } = changes
    const end = isPrefix ? bytes.length : key.length
    if (key.length >= bytes.length && key.subarray(0, end).equals(bytes)) return true
  }
  return false
}
