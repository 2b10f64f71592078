/** Writing objects: bytes first, then one row that makes them visible. */
import { encodeEntry } from '../committed/entry.ts'
import { DomainError } from '../errors.ts'
import type { BranchName, Entry, ObjectPath, RefExpression, Repository } from '../model.ts'
import { parseBranchName, parseObjectPath, parseRepositoryName } from '../refs/names.ts'
import { resolvePath } from '../refs/resolve.ts'
import { stageIfAbsent } from '../staging/conditional.ts'
import { registerPartition } from '../upload/partitions.ts'
import { verifyBytes, verifyStream } from '../upload/verified-body.ts'
import type { Caller, Catalog } from './catalog.ts'
import { now } from './clock.ts'
import { lookup, type ObjectRecord } from './entries.ts'
import { refuseProtected } from './protection.ts'
import { onBranch, refuseReadOnly } from './resolve.ts'

/** Where a write goes. */
export interface WriteTarget {
  readonly repository: string
  readonly branch: string
  readonly path: Buffer
  /** Also in a read-only repository. */
  readonly force: boolean
}

/** An object's bytes as they arrive. */
export interface Content {
  readonly stream: ReadableStream<Uint8Array>
  /** Null when the sender did not say. */
  readonly sizeBytes: number | null
  readonly contentType: string | null
  /** All of it, when it is small. */
  readonly whole?: Uint8Array
}

export interface Upload extends WriteTarget {
  /** Only where nothing is. */
  readonly ifAbsent: boolean
  readonly storageClass: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** Opens the body; called when nothing but the body can refuse the upload any more. */
  readonly openBody: () => Promise<Content>
}

/** Bytes that took longer to arrive may have been overtaken by a change of what their upload was checked against. */
const FRESH_MS = 1000

/** What an object is whose writer did not say. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'

/**
 * Stores an object. When it fails, nothing is visible; bytes that were stored already are garbage. What may refuse it is asked before
 * the body, and once more behind a body that was streamed or slow, since hours can lie between.
 *
 * @throws repository_not_found, branch_not_found, branch_protected, precondition_failed, read_only, storage_*, body_incomplete,
 *   checksum_mismatch, outcome_unknown
 */
export async function uploadObject(catalog: Catalog, caller: Caller, upload: Upload): Promise<ObjectRecord> {
  const { repository, branch, path, exists } = await openTarget(catalog, caller, upload, upload.ifAbsent)
  if (exists) throw pathExists()
  const checkedMs = performance.now()
  const { adapter } = catalog.registry.get(repository.storageId)
  const address = await catalog.addresses.next((partition) => registerPartition(catalog.db, partition))
  const location = adapter.locate(repository.namespace, address)
  catalog.observe('upload.checked')
  const content = await upload.openBody()
  const declared = { sizeBytes: content.sizeBytes, md5: null }
  const verified =
    content.whole === undefined
      ? verifyStream(content.stream, declared, () => catalog.observe('upload.first-byte'))
      : verifyBytes(content.whole, declared)
  const contentType = content.contentType ?? DEFAULT_CONTENT_TYPE
  await adapter.put(location, verified.body, {
    unique: true,
    contentType,
    ...(upload.storageClass === null ? {} : { storageClass: upload.storageClass }),
  })
  catalog.observe('upload.stored')
  const { sizeBytes, md5Hex } = verified.received()
  const entry: Entry = {
    address,
    addressType: 'relative',
    lastModified: now(),
    sizeBytes,
    eTag: md5Hex,
    metadata: upload.metadata,
    contentType,
  }
  if (content.whole === undefined || performance.now() - checkedMs > FRESH_MS)
    await openTarget(catalog, caller, upload, false)
  await stageEntry(catalog, repository, branch, path, entry, upload.ifAbsent)
  catalog.observe('upload.staged')
  return { repository, path, entry, uri: location.uri }
}

/** Removes an object from a branch; one that is not there is no error and leaves no trace. @throws branch_not_found, read_only */
export async function deleteObject(catalog: Catalog, caller: Caller, target: WriteTarget): Promise<void> {
  const { repository, branch, path, exists } = await openTarget(catalog, caller, target, true)
  if (exists) await catalog.stage.stage(repository.uid, branch, [{ path, value: null }])
}

interface OpenTarget {
  readonly repository: Repository
  readonly branch: BranchName
  readonly path: ObjectPath
  /** Whether an object is at the path; false when it was not asked. */
  readonly exists: boolean
}

/** Everything that can refuse a write before its body: one statement, and a lookup when existence matters. */
export async function openTarget(
  catalog: Catalog,
  caller: Caller,
  target: WriteTarget,
  askExists: boolean,
): Promise<OpenTarget> {
  const branch = parseBranchName(target.branch)
  const path = parseObjectPath(target.path)
  const name = parseRepositoryName(target.repository)
  const resolving = resolvePath(catalog.db, catalog.commits, name, branch as string as RefExpression, path)
  const { ref, staged } = await onBranch(caller, resolving, `branch '${branch}' not found`)
  refuseProtected(ref.repository, branch, 'write to')
  refuseReadOnly(ref.repository, target.force)
  const { repository, metaRangeId } = ref
  if (!askExists) return { repository, branch, path, exists: false }
  const exists =
    staged === undefined ? (await lookup(catalog, repository, metaRangeId, path)) !== null : staged !== null
  return { repository, branch, path, exists }
}

/** Makes an entry visible. @throws precondition_failed when something is there and it may not be */
export async function stageEntry(
  catalog: Catalog,
  repository: Repository,
  branch: BranchName,
  path: ObjectPath,
  entry: Entry,
  ifAbsent: boolean,
): Promise<void> {
  const row = { path, value: encodeEntry(entry) }
  if (!ifAbsent) return catalog.stage.stage(repository.uid, branch, [row])
  const isCommitted = async (tree: Parameters<typeof lookup>[2]) =>
    (await lookup(catalog, repository, tree, path)) !== null
  if (!(await stageIfAbsent(catalog.db, repository.uid, branch, row, isCommitted))) throw pathExists()
}

function pathExists(): DomainError {
  return new DomainError('precondition_failed', 'path already exists')
}
