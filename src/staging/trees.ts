/** Trees under construction: a row before the first byte, so that garbage collection knows that unreferenced ranges have an owner. */
import { randomUUID } from 'node:crypto'
import type { Db, HotStatement } from '../db/db.ts'
import type { RepositoryUid } from '../model.ts'

const begin: HotStatement = {
  name: 'tree_begin',
  text: 'INSERT INTO trees (id, repo_uid, purpose) VALUES ($1::uuid, $2::uuid, $3)',
}
const end: HotStatement = { name: 'tree_end', text: 'DELETE FROM trees WHERE id = $1::uuid' }

/** Announces a tree that is about to be built. `publishCommit` takes the answer, or `endTree` when nothing came of it. */
export async function beginTree(
  db: Db,
  repoUid: RepositoryUid,
  purpose: 'commit' | 'merge' | 'import' | 'reset',
): Promise<string> {
  const id = randomUUID()
  await db.run(begin, [id, repoUid, purpose])
  return id
}

/** Takes the announcement back. */
export async function endTree(db: Db, treeId: string): Promise<void> {
  await db.run(end, [treeId])
}
