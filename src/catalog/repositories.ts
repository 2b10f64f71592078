/** Repositories: made, found, listed, deleted. */
import { randomUUID } from 'node:crypto'
import { encodeMarker, markerIdentifier } from '../block/marker.ts'
import { parseUri } from '../block/namespace.ts'
import type { Storage } from '../block/registry.ts'
import { commitId } from '../committed/identity.ts'
import { DomainError, isDomainError } from '../errors.ts'
import type { Commit, Repository, RepositorySummary, RepositoryUid, StorageNamespace } from '../model.ts'
import { parseBranchName, parseRepositoryName } from '../refs/names.ts'
import type { Page, PageRequest } from '../refs/page.ts'
import * as records from '../refs/repositories.ts'
import type { Caller, Catalog } from './catalog.ts'
import { now } from './clock.ts'
import { findRepository, refuseReadOnly } from './resolve.ts'
import { storeSampleData } from './sample-data.ts'

/** A key in S3 has at most 1024 bytes, and what lies below must fit too. */
const MAX_NAMESPACE_BYTES = 768

export interface RepositoryCreation {
  readonly name: string
  /** Null: the default storage. */
  readonly storageId: string | null
  readonly namespace: string
  readonly defaultBranch: string
  /** With a few small files to try things on, committed to the default branch, which is then protected, as in lakeFS. */
  readonly sampleData: boolean
  readonly readOnly: boolean
  /** Only the record: no look at the storage, no branch, no commit. For restores. */
  readonly bare: boolean
  /** Of the sample data. */
  readonly committer: string
}

/**
 * Makes a repository: what can refuse it is asked first, then the record is written (under a lock that keeps two creations from
 * sharing a place), then the namespace is marked, which proves that the storage takes writes. When the mark fails the record goes
 * again; when the process dies in between, the repository is there and whole, only unmarked. Sample data is stored before the record.
 *
 * @throws invalid_argument, already_exists, namespace_invalid, namespace_in_use, namespace_unwritable, storage_unsupported
 */
export async function createRepository(catalog: Catalog, wanted: RepositoryCreation): Promise<Repository> {
  const name = parseRepositoryName(wanted.name, 'name')
  const defaultBranch = parseBranchName(wanted.defaultBranch, 'default_branch')
  if (wanted.sampleData && wanted.bare)
    throw new DomainError('invalid_argument', 'argument sample_data: a bare repository has none: validation error')
  await records.refuseTakenName(catalog.db, name)
  const storage = storageFor(catalog, wanted.storageId)
  const namespace = checkNamespace(storage, wanted.namespace)
  const canonicalNamespace = storage.adapter.canonicalNamespace(namespace)
  const repository: Repository = {
    uid: randomUUID() as RepositoryUid,
    name,
    storageId: storage.id,
    homeStorageId: storage.id,
    namespace,
    defaultBranch,
    createdAtSeconds: now().seconds,
    readOnly: wanted.readOnly,
    protectedBranches: wanted.sampleData ? [defaultBranch] : [],
  }
  const marks = !wanted.bare && !wanted.readOnly
  try {
    await records.refuseTakenPlace(catalog.db, namespace, canonicalNamespace)
    if (marks) await asAccess(refuseMarkedPlace(catalog, storage, namespace))
  } catch (error) {
    // The place may be taken by a creation of the same name that was faster: then it is the name that is told.
    if (isDomainError(error, 'namespace_in_use')) await records.refuseTakenName(catalog.db, name)
    throw error
  }
  const first = wanted.bare ? null : initialCommit()
  const samples =
    wanted.sampleData && first !== null
      ? { secondCommit: await asAccess(storeSampleData(catalog, repository, first, wanted.committer)) }
      : {}
  await records.createRepository(catalog.db, { repository, canonicalNamespace, initialCommit: first, ...samples })
  if (!marks) return repository
  try {
    await asAccess(markNamespace(catalog, storage, repository))
  } catch (error) {
    await records.deleteRepository(catalog.db, repository.uid)
    throw error
  }
  return repository
}

/** @throws repository_not_found */
export async function getRepository(catalog: Catalog, caller: Caller, name: string): Promise<Repository> {
  return shown(catalog, await findRepository(catalog, caller, name))
}

export interface RepositoryListing extends PageRequest {
  /** Only names that contain it. */
  readonly search: string
  /** Which repositories the caller may see, by name; null: all. */
  readonly filter: ((name: string) => boolean) | null
}

/** One page of repositories by name. With a filter, pages are read until one is full or the list ends. */
export async function listRepositories(catalog: Catalog, listing: RepositoryListing): Promise<Page<RepositorySummary>> {
  const { amount, filter } = listing
  const items: RepositorySummary[] = []
  let request = listing
  for (;;) {
    const page = await records.listRepositories(catalog.db, request)
    for (const [at, repository] of page.items.entries()) {
      if (filter !== null && !filter(repository.name)) continue
      items.push(shown(catalog, repository))
      if (items.length === amount) return { items, hasMore: page.hasMore || at + 1 < page.items.length }
    }
    const last = page.items.at(-1)
    if (!page.hasMore || last === undefined) return { items, hasMore: false }
    request = { ...listing, after: last.name }
  }
}

/** Forgets a repository with its branches, tags, commits and uncommitted changes; every object stays. @throws repository_not_found, read_only */
export async function deleteRepository(catalog: Catalog, caller: Caller, name: string, force: boolean): Promise<void> {
  const repository = await findRepository(catalog, caller, name)
  refuseReadOnly(repository, force)
  await records.deleteRepository(catalog.db, repository.uid)
}

/** @throws repository_not_found */
export async function getRepositoryMetadata(
  catalog: Catalog,
  caller: Caller,
  name: string,
): Promise<Readonly<Record<string, string>>> {
  const { uid } = await findRepository(catalog, caller, name)
  return records.getRepositoryMetadata(catalog.db, uid)
}

/** Sets keys and removes others; those not named stay. Also in a read-only repository, as lakeFS does. @throws repository_not_found */
export async function changeRepositoryMetadata(
  catalog: Catalog,
  caller: Caller,
  name: string,
  change: records.MetadataChange,
): Promise<void> {
  const { uid } = await findRepository(catalog, caller, name)
  await records.changeRepositoryMetadata(catalog.db, uid, change)
}

/** A stored `""` is told as the storage that serves it now. */
function shown<Shown extends RepositorySummary>(catalog: Catalog, repository: Shown): Shown {
  const { storageId } = repository
  return storageId === '' && catalog.registry.has(storageId)
    ? { ...repository, storageId: catalog.registry.get(storageId).id }
    : repository
}

/** lakeFS's text first, then what can be done. */
function storageFor({ registry }: Catalog, wanted: string | null): Storage {
  const id = (wanted ?? '') as Storage['id']
  if (registry.has(id)) return registry.get(id)
  const known = registry.list().map((storage) => `"${storage.id}"`)
  const problem = wanted === null ? 'a storage_id is needed' : `there is no storage "${wanted}"`
  throw new DomainError(
    'invalid_argument',
    `storage id: invalid value: validation error (${problem}; choose from ${known.join(', ')})`,
  )
}

function checkNamespace(storage: Storage, namespace: string): StorageNamespace {
  const { validity } = storage.adapter.rules
  if (!new RegExp(validity).test(namespace)) {
    throw new DomainError(
      'namespace_invalid',
      `failed to match required regex ${validity}: invalid namespace "${namespace}"`,
    )
  }
  if (Buffer.byteLength(namespace) > MAX_NAMESPACE_BYTES) {
    throw new DomainError('namespace_invalid', `invalid namespace: longer than ${MAX_NAMESPACE_BYTES} bytes`)
  }
  if (/\p{Cc}/u.test(namespace)) {
    throw new DomainError(
      'namespace_invalid',
      `invalid namespace ${JSON.stringify(namespace)}: it must not contain control characters`,
    )
  }
  return namespace as StorageNamespace
}

/** Refuses a place that a marker says is taken, by whatever installation: at the namespace itself and at every folder above it. @throws namespace_in_use */
async function refuseMarkedPlace(catalog: Catalog, storage: Storage, namespace: StorageNamespace): Promise<void> {
  const { adapter } = storage
  const identifier = markerIdentifier(catalog.options.blockStoragePrefix)
  const markers = [namespace, ...foldersAbove(namespace)].map((folder) => adapter.locate(folder, identifier))
  if (catalog.options.ensureReadableRootNamespace) markers.push(adapter.locate(namespace, 'dummy'))
  for (const location of markers) if (await adapter.exists(location)) throw inUse(storage, location.uri)
}

/** Says in the storage whose the namespace is, and reads it back. @throws namespace_in_use when somebody else was faster */
async function markNamespace(catalog: Catalog, storage: Storage, { uid, namespace }: Repository): Promise<void> {
  const { adapter } = storage
  const { installationId, blockStoragePrefix } = catalog.options
  const marker = adapter.locate(namespace, markerIdentifier(blockStoragePrefix))
  const content = encodeMarker({ installationId, repositoryUid: uid, storageId: storage.id })
  await adapter.put(marker, content, adapter.capabilities.putIfAbsent ? { ifAbsent: true } : {})
  const { bytes } = await adapter.getTail(marker, content.length + 1)
  if (!Buffer.from(content).equals(bytes)) throw inUse(storage, marker.uri)
}

/** What a storage refuses at creation is the namespace's fault, in lakeFS's words; a place taken meanwhile is in use. */
async function asAccess<Answer>(touching: Promise<Answer>): Promise<Answer> {
  try {
    return await touching
  } catch (cause) {
    if (isDomainError(cause, 'namespace_in_use', 'namespace_invalid', 'storage_unsupported')) throw cause
    if (isDomainError(cause, 'database_unavailable', 'overloaded')) throw cause
    if (isDomainError(cause, 'storage_exists')) {
      const text = 'failed to create repository: found lakeFS objects in the storage: storage namespace already in use'
      throw new DomainError('namespace_in_use', text, { cause })
    }
    const reason = cause instanceof Error ? `: ${cause.message}` : ''
    const text = `failed to create repository: failed to access storage${reason}`
    throw new DomainError('namespace_unwritable', text, { cause })
  }
}

/** The folders above a namespace in its container, the container itself last. */
function foldersAbove(namespace: StorageNamespace): StorageNamespace[] {
  const parsed = parseUri(namespace)
  if (parsed === null) return []
  const segments = parsed.path.split('/').filter((segment) => segment !== '')
  const above: StorageNamespace[] = []
  while (segments.pop() !== undefined) {
    above.push(`${parsed.scheme}://${[parsed.container, ...segments].join('/')}` as StorageNamespace)
  }
  return above
}

function inUse(storage: Storage, uri: string): DomainError {
  return new DomainError(
    'namespace_in_use',
    `failed to create repository: found lakeFS objects in the storage (${storage.id}:${uri}): storage namespace already in use`,
  )
}

function initialCommit(): Commit {
  const commit = {
    committer: '',
    message: 'Repository created',
    creationDate: now(),
    metaRangeId: '' as Commit['metaRangeId'],
    metadata: {},
    parents: [],
  }
  return { ...commit, id: commitId(commit), version: 1, generation: 1 }
}
