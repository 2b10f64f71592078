/** What a commit of a branch would change. */
import { EffectCursor } from '../committed/effects.ts'
import { layer } from '../committed/overlay.ts'
import type { TableReader } from '../committed/table-reader.ts'
import { openTree } from '../committed/tree.ts'
import { treeChanges } from '../committed/tree-changes.ts'
import type { Cursor, MetaRangeId } from '../model.ts'

/**
 * The changes against the head's tree that have an effect: those of `staged`, over those of the compacted tree that stands in for the
 * head's (`base`, the head's own where there is none).
 *
 * @throws storage_not_found when a table is missing, corrupt, storage_*
 */
export async function uncommittedChanges(
  tables: TableReader,
  trees: { readonly head: MetaRangeId; readonly base: MetaRangeId },
  staged: Cursor,
): Promise<EffectCursor> {
  const head = await openTree(tables, trees.head)
  const compacted = trees.base !== trees.head
  return new EffectCursor(
    compacted ? layer(staged, treeChanges(head, await openTree(tables, trees.base))) : staged,
    head,
  )
}
