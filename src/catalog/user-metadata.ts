/** Changing what users say about an object, without touching its bytes. */
import { decodeEntry, encodeEntry } from '../committed/entry.ts'
import { DomainError } from '../errors.ts'
import { stageChange } from '../staging/conditional.ts'
import type { Caller, Catalog } from './catalog.ts'
import { lookup } from './entries.ts'
import { openTarget, type WriteTarget } from './write-objects.ts'

/**
 * Replaces an object's metadata; everything else of its record stays. A committed object gets a staged record of its own. Never
 * brings back an object that is overwritten or deleted at the same time.
 *
 * @throws branch_not_found, entry_not_found, read_only, contended, outcome_unknown
 */
export async function updateObjectUserMetadata(
  catalog: Catalog,
  caller: Caller,
  target: WriteTarget,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const { repository, branch, path } = await openTarget(catalog, caller, target, false)
  await stageChange(catalog.db, repository.uid, branch, path, async ({ staged, metaRangeId }) => {
    const record = staged === undefined ? await lookup(catalog, repository, metaRangeId, path) : staged
    if (record === null) throw new DomainError('entry_not_found', 'path not found: not found')
    return { value: encodeEntry({ ...decodeEntry(record), metadata }) }
  })
}
