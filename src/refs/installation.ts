/** Who this installation is. */
import type { Db, HotStatement } from '../db/db.ts'

const read: HotStatement = {
  name: 'installation_read',
  readOnly: true,
  text: 'SELECT id::text AS id, COALESCE(id <> $1::uuid, false) AS differs FROM installation',
}

const adopt: HotStatement = {
  name: 'installation_adopt',
  text: 'UPDATE installation SET id = $1::uuid RETURNING id::text AS id',
}

/**
 * The installation's id: random since its database was made, or the one that the configuration fixes. Writes only when the id
 * changes, so a start does not wait for whoever holds the row.
 */
export async function readInstallation(db: Db, fixedId: string | null): Promise<{ readonly id: string }> {
  const [found] = await db.run<{ id: string; differs: boolean }>(read, [fixedId])
  const [row] = found?.differs === true ? await db.run<{ id: string }>(adopt, [fixedId]) : [found]
  if (row === undefined) throw new Error('the database has no installation row: it was not migrated')
  return { id: row.id }
}
