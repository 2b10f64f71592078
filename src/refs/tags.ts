/** Tags: rows of `refs` that never move. */
import type { HotStatement, Queries } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type { CommitId, RepositoryUid, TagName } from '../model.ts'
import { insertRef, selectKind } from './insert-ref.ts'
import { type Page, type PageRequest, pageParams, pageSql, toPage } from './page.ts'

export interface Tag {
  readonly name: TagName
  readonly commitId: CommitId
}

interface TagRow {
  readonly name: TagName
  readonly commit_id: CommitId
}

const select: HotStatement = {
  name: 'tag_get',
  readOnly: true,
  text: `SELECT name, commit_id FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 't'`,
}

const selectPage: HotStatement = {
  name: 'tag_list',
  readOnly: true,
  text: `SELECT name, commit_id FROM refs WHERE repo_uid = $1::uuid AND kind = 't' AND ${pageSql('name')}`,
}

const remove: HotStatement = {
  name: 'tag_delete',
  text: `WITH d AS (DELETE FROM refs WHERE repo_uid = $1::uuid AND name = $2 AND kind = 't' RETURNING commit_id),
    e AS (INSERT INTO events (repo_uid, name, kind, old_id) SELECT $1::uuid, $2, 't', d.commit_id FROM d)
    SELECT count(*)::int4 AS deleted FROM d`,
}

/**
 * Creates a tag at a commit that exists.
 *
 * @throws already_exists, conflict (a branch or a commit has that name), repository_not_found (deleted meanwhile)
 */
export async function createTag(db: Queries, repoUid: RepositoryUid, name: TagName, commitId: CommitId): Promise<void> {
  if (await insertRef(db, repoUid, { name, kind: 't', commitId, token: null, hidden: false })) return
  switch (await selectKind(db, repoUid, name)) {
    case 'branch':
      throw new DomainError('conflict', `branch name ${name}: conflict found`)
    case 'commit':
      throw new DomainError('conflict', `commit ID ${name}: conflict found`)
    default:
      throw new DomainError('already_exists', 'tag already exists: not unique')
  }
}

/** @throws tag_not_found */
export async function getTag(db: Queries, repoUid: RepositoryUid, name: TagName): Promise<Tag> {
  const [row] = await db.run<TagRow>(select, [repoUid, name])
  if (row === undefined) throw tagNotFound()
  return toTag(row)
}

/** Tags by name in byte order. */
export async function listTags(db: Queries, repoUid: RepositoryUid, request: PageRequest): Promise<Page<Tag>> {
  return toPage(await db.run<TagRow>(selectPage, [repoUid, ...pageParams(request)]), request, toTag)
}

/** @throws tag_not_found */
export async function deleteTag(db: Queries, repoUid: RepositoryUid, name: TagName): Promise<void> {
  const [answer] = await db.run<{ deleted: number }>(remove, [repoUid, name])
  if (answer?.deleted !== 1) throw tagNotFound()
}

function toTag(row: TagRow): Tag {
  return { name: row.name, commitId: row.commit_id }
}

function tagNotFound(): DomainError {
  return new DomainError('tag_not_found', 'tag not found')
}
