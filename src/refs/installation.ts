/** Who this installation is. */
import type { Db, HotStatement } from '../db/db.ts'

const adopt: HotStatement = {
  name: 'installation_adopt',
  text: 'UPDATE installation SET id = COALESCE($1::uuid, id) RETURNING id::text AS id',
}

/** The installation's id: random since its database was made, or the one that the configuration fixes. */
export async function readInstallation(db: Db, fixedId: string | null): Promise<{ readonly id: string }> {
  const [row] = await db.run<{ id: string }>(adopt, [fixedId])
  if (row === undefined) throw new Error('the database has no installation row: it was not migrated')
  return row
}
