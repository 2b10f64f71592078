/** Never by reference into another repository: its own garbage collection would take the bytes away. */
import type { Storage } from '../block/registry.ts'
import { textArray } from '../db/arrays.ts'
import type { HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { Repository } from '../model.ts'
import type { Catalog } from './catalog.ts'

const selectOwner: HotStatement = {
  name: 'foreign_place',
  readOnly: true,
  text: `SELECT 1 AS found FROM repositories CROSS JOIN (SELECT $1::text::text[] AS place) n
    WHERE uid <> $2::uuid AND n.place[1:cardinality(canonical_namespace)] = canonical_namespace LIMIT 1`,
}

/** Refuses a full address that lies in the namespace of a repository other than `repository`. @throws address_invalid */
export async function refuseForeignPlace(
  catalog: Catalog,
  storage: Storage,
  repository: Repository,
  address: string,
): Promise<void> {
  const place = storage.adapter.canonicalLocation(storage.adapter.locateFull(address))
  if ((await catalog.db.run(selectOwner, [textArray(place), repository.uid])).length === 0) return
  // Not whose: the caller may not be allowed to see it.
  throw new DomainError('address_invalid', `cannot refer to "${address}": it lies in another repository's namespace`)
}
