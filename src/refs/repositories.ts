/** Repository records. Their storages, permissions and contents are for the rooms above. */
import { textArray } from '../db/arrays.ts'
import type { Db, HotStatement, Queries } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import type {
  Commit,
  Repository,
  RepositoryName,
  RepositorySummary,
  RepositoryUid,
  StorageNamespace,
} from '../model.ts'
import { insertBranch } from './branches.ts'
import { insertCommit } from './commits.ts'
import { type Page, type PageRequest, pageParams, pageSql, toPage } from './page.ts'
import {
  type RepositoryRow,
  repositoryColumns,
  type SummaryRow,
  summaryColumns,
  toRepository,
  toSummary,
  toVersions,
  type Versions,
  type VersionsRow,
  versionsColumns,
} from './repository-row.ts'

export interface NewRepository {
  readonly repository: Repository
  /** Endpoint, container, prefix segments (`BlockAdapter.canonicalNamespace`). */
  readonly canonicalNamespace: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  /** The first commit, which the default branch starts at; null makes a bare repository without any ref. */
  readonly initialCommit: Commit | null
  /** A commit on top of the first, which the default branch starts at instead. */
  readonly secondCommit?: Commit
}

const lockInstallation: HotStatement = {
  name: 'repository_lock',
  text: 'SELECT id FROM installation FOR UPDATE',
}

const selectExisting: HotStatement = {
  name: 'repository_exists',
  readOnly: true,
  text: 'SELECT 1 AS found FROM repositories WHERE name = $1',
}

/** One list starts with the other: the same place, or one inside the other. */
const selectOverlap: HotStatement = {
  name: 'repository_overlap',
  readOnly: true,
  text: `SELECT 1 AS found FROM repositories CROSS JOIN (SELECT $1::text::text[] AS place) n
    WHERE canonical_namespace[1:cardinality(n.place)] = n.place OR n.place[1:cardinality(canonical_namespace)] = canonical_namespace
    LIMIT 1`,
}

const insert: HotStatement = {
  name: 'repository_insert',
  text: `INSERT INTO repositories (uid, name, storage_id, home_storage_id, namespace, canonical_namespace, default_branch, created_at_seconds, read_only, metadata, protected_branches)
    VALUES ($1::uuid, $2, $3, $4, $5, $6::text::text[], $7, $8::int8, $9::bool, $10::text::jsonb, $11::text::jsonb)`,
}

const select: HotStatement = {
  name: 'repository_get',
  readOnly: true,
  text: `SELECT ${versionsColumns}, ${repositoryColumns} FROM installation i LEFT JOIN repositories r ON r.name = $1`,
}

const selectByUid: HotStatement = {
  name: 'repository_by_uid',
  readOnly: true,
  text: `SELECT ${repositoryColumns} FROM repositories r WHERE r.uid = $1::uuid`,
}

const selectPage: HotStatement = {
  name: 'repository_list',
  readOnly: true,
  text: `SELECT ${summaryColumns} FROM repositories r WHERE position($1 IN r.name) > 0 AND ${pageSql('r.name')}`,
}

/** The cascade takes refs and commits; staged rows go when their tokens' grace is over. */
const remove: HotStatement = {
  name: 'repository_delete',
  text: `WITH f AS MATERIALIZED (SELECT name, kind, commit_id, token, sealed FROM refs WHERE repo_uid = $1::uuid FOR UPDATE),
    t AS (INSERT INTO retired_tokens (token) SELECT unnest(f.token || f.sealed) FROM f WHERE f.kind = 'b'),
    e AS (INSERT INTO events (repo_uid, name, kind, old_id) SELECT $1::uuid, f.name, f.kind, f.commit_id FROM f),
    d AS (DELETE FROM repositories WHERE uid = $1::uuid RETURNING 1)
    SELECT count(*)::int4 AS deleted FROM d`,
}

const lockRepository: HotStatement = {
  name: 'repository_lock_one',
  text: 'SELECT 1 AS found FROM repositories WHERE uid = $1::uuid FOR UPDATE',
}

const selectMetadata: HotStatement = {
  name: 'repository_metadata',
  readOnly: true,
  text: 'SELECT metadata FROM repositories WHERE uid = $1::uuid',
}

const updateMetadata: HotStatement = {
  name: 'repository_set_metadata',
  text: `UPDATE repositories SET metadata = (metadata || $2::text::jsonb) - $3::text::text[] WHERE uid = $1::uuid RETURNING 1 AS found`,
}

const updateProtection: HotStatement = {
  name: 'repository_set_protection',
  text: `UPDATE repositories SET protected_branches = $2::text::jsonb
    WHERE uid = $1::uuid AND ($3::text::jsonb IS NULL OR protected_branches = $3::text::jsonb) RETURNING 1 AS found`,
}

/**
 * Creates a repository with its default branch and first commit, or a bare one; all or nothing. Creations wait for each other, so two
 * cannot get overlapping namespaces.
 *
 * @throws already_exists (name), namespace_in_use (the same place, above or below a repository that this database has)
 */
export async function createRepository(db: Db, wanted: NewRepository): Promise<void> {
  const { repository, canonicalNamespace, initialCommit, secondCommit } = wanted
  await db.transaction(async (tx) => {
    await tx.run(lockInstallation, [])
    await refuseTakenName(tx, repository.name)
    await refuseTakenPlace(tx, repository.namespace, canonicalNamespace)
    await tx.run(insert, [
      repository.uid,
      repository.name,
      repository.storageId,
      repository.homeStorageId,
      repository.namespace,
      textArray(canonicalNamespace),
      repository.defaultBranch,
      repository.createdAtSeconds,
      repository.readOnly,
      JSON.stringify(wanted.metadata ?? {}),
      JSON.stringify(repository.protectedBranches),
    ])
    if (initialCommit === null) return
    await insertCommit(tx, repository.uid, initialCommit)
    if (secondCommit !== undefined) await insertCommit(tx, repository.uid, secondCommit)
    const head = secondCommit ?? initialCommit
    await insertBranch(tx, repository.uid, repository.defaultBranch, head.id, false)
  })
}

/** Refuses a name that a repository has already: before anything else is asked, and again under the lock. @throws already_exists */
export async function refuseTakenName(db: Queries, name: RepositoryName): Promise<void> {
  if ((await db.run(selectExisting, [name])).length === 0) return
  throw new DomainError('already_exists', 'error creating repository: not unique')
}

/** Refuses a place that is, holds or lies in another repository's: before the storage is touched, and again under the lock. @throws namespace_in_use */
export async function refuseTakenPlace(
  db: Queries,
  namespace: StorageNamespace,
  canonicalNamespace: readonly string[],
): Promise<void> {
  if ((await db.run(selectOverlap, [textArray(canonicalNamespace)])).length === 0) return
  // Not whose: the caller may not be allowed to see it.
  throw new DomainError(
    'namespace_in_use',
    `failed to create repository: "${namespace}" overlaps another repository: storage namespace already in use`,
  )
}

/** A repository and the versions that caches are checked against. @throws repository_not_found */
export async function getRepository(
  db: Queries,
  name: RepositoryName,
): Promise<{ repository: Repository; versions: Versions }> {
  const [row] = await db.run<VersionsRow & (RepositoryRow | { uid: null })>(select, [name])
  if (row === undefined || row.uid === null) throw repositoryNotFound()
  return { repository: toRepository(row), versions: toVersions(row) }
}

/** For work that no caller asked for: whoever asks goes by the name, and is checked. @throws repository_not_found */
export async function getRepositoryByUid(db: Queries, repoUid: RepositoryUid): Promise<Repository> {
  const [row] = await db.run<RepositoryRow>(selectByUid, [repoUid])
  if (row === undefined) throw repositoryNotFound()
  return toRepository(row)
}

/** Repositories by name in byte order; `search` keeps those whose name contains it. */
export async function listRepositories(
  db: Queries,
  request: PageRequest & { readonly search?: string },
): Promise<Page<RepositorySummary>> {
  const rows = await db.run<SummaryRow>(selectPage, [request.search ?? '', ...pageParams(request)])
  return toPage(rows, request, toSummary)
}

/** Deletes a repository with its refs, commits and staged changes; objects stay in the storage. @throws repository_not_found */
export async function deleteRepository(db: Db, repoUid: RepositoryUid): Promise<void> {
  const [answer] = await db.transaction(async (tx) => {
    // Keeps new refs out, so that none escapes the statement's snapshot.
    await tx.run(lockRepository, [repoUid])
    return tx.run<{ deleted: number }>(remove, [repoUid])
  })
  if (answer?.deleted !== 1) throw repositoryNotFound()
}

/** @throws repository_not_found */
export async function getRepositoryMetadata(db: Queries, repoUid: RepositoryUid): Promise<Record<string, string>> {
  const [row] = await db.run<{ metadata: Record<string, string> }>(selectMetadata, [repoUid])
  if (row === undefined) throw repositoryNotFound()
  return row.metadata
}

export interface MetadataChange {
  readonly set?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}

/** Sets the given keys and removes others, in one step. @throws repository_not_found */
export async function changeRepositoryMetadata(
  db: Queries,
  repoUid: RepositoryUid,
  change: MetadataChange,
): Promise<void> {
  const params = [repoUid, JSON.stringify(change.set ?? {}), textArray(change.remove ?? [])]
  if ((await db.run(updateMetadata, params)).length === 0) throw repositoryNotFound()
}

/** Replaces the patterns of protected branches, if they are still `expected` (null: whatever they are). False when they are not. */
export async function setProtectedBranches(
  db: Queries,
  repoUid: RepositoryUid,
  patterns: readonly string[],
  expected: readonly string[] | null,
): Promise<boolean> {
  const params = [repoUid, JSON.stringify(patterns), expected === null ? null : JSON.stringify(expected)]
  return (await db.run(updateProtection, params)).length > 0
}

function repositoryNotFound(): DomainError {
  return new DomainError('repository_not_found', 'repository not found')
}
