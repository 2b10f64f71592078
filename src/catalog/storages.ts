/** What the database remembers of the configured storages: an id means one place for ever. */
import { fingerprint } from '../block/fingerprint.ts'
import type { StorageRegistry } from '../block/registry.ts'
import type { Db, HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'

/** Remembers a new id; answers what is remembered of a known one. */
const remember: HotStatement = {
  name: 'storage_remember',
  text: `WITH n AS (INSERT INTO storages (id, type, fingerprint, place) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING)
    SELECT fingerprint, place FROM storages WHERE id = $1`,
}

/**
 * Compares each storage with the place that its id meant when it was first seen, and remembers new ones. Storages in memory are not
 * remembered: they are new at each start.
 *
 * @throws conflict naming every id that points at another place now
 */
export async function rememberStorages(db: Db, registry: StorageRegistry): Promise<void> {
  const moved: string[] = []
  for (const { id, type, adapter } of registry.list()) {
    if (type === 'mem') continue
    const [known] = await db.run<{ fingerprint: string; place: string }>(remember, [
      id,
      type,
      fingerprint(adapter.place),
      adapter.place,
    ])
    if (known !== undefined && known.fingerprint !== fingerprint(adapter.place)) {
      moved.push(`storage "${id}" was ${known.place} and is ${adapter.place} now`)
    }
  }
  if (moved.length === 0) return
  const advice = 'a storage id never changes its place; point it back, or give the new place an id of its own'
  throw new DomainError('conflict', `cannot start: ${moved.join('; ')} (${advice})`)
}
