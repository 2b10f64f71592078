/** Branches: rows of `refs` with a staging token. Moving one by a commit is `staging/publish.ts`. */
import { randomUUID } from 'node:crypto'
import type { HotStatement, Queries } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, CommitId, RepositoryUid } from '../model.ts'
import { insertRef, selectKind } from './insert-ref.ts'
import { type Page, type PageRequest, pageParams, pageSql, toPage } from './page.ts'

export interface Branch {
  readonly name: BranchName
  readonly commitId: CommitId
  /** Left out of listings that do not ask for hidden ones. Never changes. */
  readonly hidden: boolean
}

interface BranchRow {
  readonly name: BranchName
  readonly commit_id: CommitId
  readonly hidden: boolean
}

const select: HotStatement = {
  name: 'branch_get',
  readOnly: true,
  text: `SELECT name, commit_id, hidden FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b'`,
}

const selectPage: HotStatement = {
  name: 'branch_list',
  readOnly: true,
  text: `SELECT name, commit_id, hidden FROM refs WHERE repo_uid = $1::uuid AND kind = 'b' AND (NOT hidden OR $5::bool) AND ${pageSql('name')}`,
}

const remove: HotStatement = {
  name: 'branch_delete',
  text: `WITH d AS (DELETE FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 'b' RETURNING commit_id, token, sealed),
    t AS (INSERT INTO retired_tokens (token) SELECT unnest(d.token || d.sealed) FROM d),
    e AS (INSERT INTO events (repo_uid, name, kind, old_id) SELECT $1::uuid, $2, 'b', d.commit_id FROM d)
    SELECT count(*)::int4 AS deleted FROM d`,
}

/**
 * Creates a branch at a commit that exists.
 *
 * @throws already_exists, conflict (a tag or a commit has that name), repository_not_found (deleted meanwhile)
 */
export async function createBranch(
  db: Queries,
  repoUid: RepositoryUid,
  name: BranchName,
  commitId: CommitId,
  options: { readonly hidden?: boolean } = {},
): Promise<void> {
  if (await insertBranch(db, repoUid, name, commitId, options.hidden ?? false)) return
  switch (await selectKind(db, repoUid, name)) {
    case 'tag':
      throw new DomainError('conflict', `tag ID ${name}: conflict found`)
    case 'commit':
      throw new DomainError('conflict', `commit ID ${name}: conflict found`)
    default:
      throw new DomainError('already_exists', 'branch already exists: not unique')
  }
}

/** As `createBranch`; false when the name is taken. */
export function insertBranch(
  db: Queries,
  repoUid: RepositoryUid,
  name: BranchName,
  commitId: CommitId,
  hidden: boolean,
): Promise<boolean> {
  return insertRef(db, repoUid, { name, kind: 'b', commitId, token: randomUUID(), hidden })
}

/** @throws branch_not_found */
export async function getBranch(db: Queries, repoUid: RepositoryUid, name: BranchName): Promise<Branch> {
  const [row] = await db.run<BranchRow>(select, [repoUid, name])
  if (row === undefined) throw branchNotFound()
  return toBranch(row)
}

/** Branches by name in byte order. */
export async function listBranches(
  db: Queries,
  repoUid: RepositoryUid,
  request: PageRequest & { readonly showHidden?: boolean },
): Promise<Page<Branch>> {
  const params = [repoUid, ...pageParams(request), request.showHidden ?? false]
  return toPage(await db.run<BranchRow>(selectPage, params), request, toBranch)
}

/** Deletes a branch and what is staged on it. Whether it is the default branch is for the caller to know. @throws branch_not_found */
export async function deleteBranch(db: Queries, repoUid: RepositoryUid, name: BranchName): Promise<void> {
  const [answer] = await db.run<{ deleted: number }>(remove, [repoUid, name])
  if (answer?.deleted !== 1) throw branchNotFound()
}

function toBranch(row: BranchRow): Branch {
  return { name: row.name, commitId: row.commit_id, hidden: row.hidden }
}

function branchNotFound(): DomainError {
  return new DomainError('branch_not_found', 'branch not found')
}
