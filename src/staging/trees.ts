/** Trees under construction: a row before the first byte, so that garbage collection knows that unreferenced ranges have an owner. */
import { randomUUID } from 'node:crypto'
import type { Db, HotStatement } from '../db/db.ts'
import type { RepositoryUid } from '../model.ts'

const begin: HotStatement = {
  name: 'tree_begin',
  text: 'INSERT INTO trees (id, repo_uid, purpose) VALUES ($1::uuid, $2::uuid, $3)',
}
const end: HotStatement = { name: 'tree_end', text: 'DELETE FROM trees WHERE id = $1::uuid' }

/** Rarely asked, of a table of a few rows. */
const others: HotStatement = {
  name: '',
  readOnly: true,
  text: `SELECT 1 AS found FROM trees WHERE repo_uid = $1::uuid AND purpose = 'commit' AND id <> $2::uuid LIMIT 1`,
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

/** Whether a commit of the repository, on any branch, is at work beside `treeId`'s, or was killed at it. */
export async function isOtherCommitAtWork(db: Db, repoUid: RepositoryUid, treeId: string): Promise<boolean> {
  return (await db.run(others, [repoUid, treeId])).length > 0
}
