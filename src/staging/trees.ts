/** Trees under construction: a row before the first byte, so that garbage collection knows that unreferenced ranges have an owner. */
import { randomUUID } from 'node:crypto'
import type { Db, HotStatement } from '../db/db.ts'
import type { RepositoryUid } from '../model.ts'

const begin: HotStatement = {
  name: 'tree_begin',
  text: 'INSERT INTO trees (id, repo_uid, purpose) VALUES ($1::uuid, $2::uuid, $3)',
}
const end: HotStatement = { name: 'tree_end', text: 'DELETE FROM trees WHERE id = $1::uuid' }

/** The table is small: rows live as long as a tree is being built. */
const others: HotStatement = {
  name: 'tree_others',
  readOnly: true,
  text: `SELECT EXISTS (SELECT 1 FROM trees WHERE repo_uid = $1::uuid AND purpose = 'commit' AND id <> $2::uuid) AS found`,
}

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

/** Whether a commit of the repository other than that of `treeId` is at work, or died over it. */
export async function othersCommit(db: Db, repoUid: RepositoryUid, treeId: string): Promise<boolean> {
  const [row] = await db.run<{ found: boolean }>(others, [repoUid, treeId])
  return row?.found === true
}
