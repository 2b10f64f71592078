/** What the database remembers of the configured storages: an id means one place for ever. */
import { fingerprint } from '../block/fingerprint.ts'
import type { Storage, StorageRegistry } from '../block/registry.ts'
import type { Db, HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { StorageId } from '../model.ts'

/** Remembers a new id; answers what is remembered of a known one. */
const remember: HotStatement = {
  name: 'storage_remember',
  text: `WITH n AS (INSERT INTO storages (id, type, fingerprint, place) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING)
    SELECT fingerprint, place FROM storages WHERE id = $1`,
}

/** Lets `""` mean another place while no repository lies there under that id. */
const repoint: HotStatement = {
  name: 'storage_repoint',
  text: `UPDATE storages SET type = $1, fingerprint = $2, place = $3
    WHERE id = '' AND NOT EXISTS (SELECT 1 FROM repositories WHERE storage_id = '' OR home_storage_id = '') RETURNING id`,
}

/**
 * Compares each storage with the place that its id meant when it was first seen, and remembers new ones; so too `""`, which means the
 * only or the backward-compatible storage, and may come to mean another one while no repository needs it. Storages in memory are not
 * remembered: they are new at each start. Nor are storages that could not be opened: their place is not known.
 *
 * @throws conflict naming every id that points at another place now
 */
export async function rememberStorages(db: Db, registry: StorageRegistry): Promise<void> {
  const moved: string[] = []
  for (const storage of registry.list()) {
    if (storage.id === '') continue
    const was = await compare(db, storage.id, storage)
    if (was !== null) moved.push(`storage "${storage.id}" was ${was} and is ${storage.adapter.place} now`)
  }
  const unnamed = '' as StorageId
  if (registry.has(unnamed)) {
    const { adapter, type, id } = registry.get(unnamed)
    const was = await compare(db, unnamed, registry.get(unnamed))
    if (was !== null && (await db.run(repoint, [type, fingerprint(adapter.place), adapter.place])).length === 0) {
      const now = id === '' ? adapter.place : `${adapter.place} (storage "${id}")`
      moved.push(`storage "", where repositories made under a single blockstore lie, was ${was} and is ${now} now`)
    }
  }
  if (moved.length === 0) return
  const advice = 'a storage id never changes its place; point it back, or give the new place an id of its own'
  throw new DomainError('conflict', `cannot start: ${moved.join('; ')} (${advice})`)
}

/** The place that `id` meant until now, when that is not where `storage` is; null when it is, or cannot be told. */
async function compare(db: Db, id: StorageId, { type, adapter, downReason }: Storage): Promise<string | null> {
  if (type === 'mem' || downReason !== null) return null
  const print = fingerprint(adapter.place)
  const [known] = await db.run<{ fingerprint: string; place: string }>(remember, [id, type, print, adapter.place])
  return known === undefined || known.fingerprint === print ? null : known.place
}
