/**
 * The storage interface. Everything above speaks it, everything below `adapters/` implements it, one contract suite
 * (`test/block/adapter-contract.ts`) runs over every implementation.
 *
 * Adapters translate a provider's errors into `DomainError` codes `storage_*`, `address_invalid`, `namespace_invalid`,
 * `body_incomplete`, and add nothing else: no caching, no retries of a body that cannot be sent twice, no policy.
 */
import type { StorageNamespace } from '../model.ts'

export type StorageType = 's3' | 'gs' | 'azure' | 'r2' | 'local' | 'mem'

/** One object's place, resolved once and cheap to pass on. */
export interface Location {
  /** Bucket, container (`account/container` on Azure) or, on local disks, the root that it must stay under. */
  readonly container: string
  /** Key inside the container, unescaped. On local disks an absolute path. */
  readonly key: string
  /** The URI that clients are shown. */
  readonly uri: string
}

/** What a storage can do; callers ask instead of catching "not supported". */
export interface Capabilities {
  /** GET and PUT by a URL that the storage itself serves. */
  readonly presign: boolean
  /** Presigned part uploads whose answer carries an ETag. */
  readonly presignMultipart: boolean
  /** Put-if-absent is atomic among concurrent writers. */
  readonly putIfAbsent: boolean
  /** Objects may be imported by reference. */
  readonly import: boolean
  /** Copy without moving the bytes through this process. */
  readonly serverSideCopy: boolean
  /** `listParts` works (R2's binding cannot enumerate parts). */
  readonly listParts: boolean
}

/** What clients are told about a storage (`StorageConfig` of the REST contract). */
export interface NamespaceRules {
  /** Regular expression that a namespace must match, as text. */
  readonly validity: string
  readonly example: string
  readonly importValidity: string
  readonly defaultPrefix: string | null
}

/** Bytes to store: whole, or a stream whose length is known (null: unknown, stored in bounded parts). */
export type PutBody = Uint8Array | { readonly stream: ReadableStream<Uint8Array>; readonly sizeBytes: number | null }

export interface PutOptions {
  /** Fails with `storage_exists` when the object is there. Only where `capabilities.putIfAbsent`. */
  readonly ifAbsent?: boolean
  /**
   * The name was made up for this put alone (random), so nobody else writes it or reads it before this answers. Local disks then
   * write in place instead of under a temporary name. A crash may leave a partial object that nothing refers to.
   */
  readonly unique?: boolean
  readonly contentType?: string
  readonly storageClass?: string
  readonly signal?: AbortSignal
}

export interface PutResult {
  /** Unquoted; null when the storage gives none. */
  readonly eTag: string | null
}

/** Half-open byte range: `start` inclusive, `end` exclusive and clamped to the object's size. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface GetResult {
  /** Whole bytes for small objects, else a stream or a file reference that the runtime sends without copying. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | Blob
  /** Bytes in `body`. */
  readonly sizeBytes: number
  /** Bytes of the whole object. */
  readonly totalBytes: number
}

export interface ObjectProperties {
  readonly sizeBytes: number
  readonly lastModifiedSeconds: number
  /** Unquoted, never empty, equal to the one that `list` gives for the same object. */
  readonly eTag: string
  readonly storageClass: string | null
}

export interface ListedObject {
  readonly location: Location
  readonly sizeBytes: number
  readonly lastModifiedSeconds: number
  readonly eTag: string
}

export interface ListPage {
  readonly objects: readonly ListedObject[]
  /** Resume token for the next page, null at the end. */
  readonly next: string | null
}

export interface UploadedPart {
  readonly partNumber: number
  readonly eTag: string
}

export interface PresignedUrl {
  readonly url: string
  readonly expiresAtSeconds: number
}

export interface BlockAdapter {
  readonly type: StorageType
  readonly capabilities: Capabilities
  readonly rules: NamespaceRules
  /** Stable text naming the place (type, endpoint or account, real path), without credentials: see `block/fingerprint.ts`. */
  readonly place: string

  /**
   * Where `identifier` lies under `namespace`. Keys are joined as written: no dot segments resolved, no escapes decoded.
   * @throws namespace_invalid, address_invalid (also when a local path would leave its root or its namespace)
   */
  locate(namespace: StorageNamespace, identifier: string): Location
  /** Where a full address (`s3://…`, `local:///…`, `https://…`) lies. @throws address_invalid */
  locateFull(uri: string): Location
  /** Canonical form of a namespace for overlap tests: endpoint, container and prefix segments. @throws namespace_invalid */
  canonicalNamespace(namespace: StorageNamespace): readonly string[]
  /** The same of one object's place: it starts with the canonical form of every namespace that it lies in. */
  canonicalLocation(location: Location): readonly string[]

  /** Answers when the storage can be reached; judges no bucket. @throws storage_unavailable, storage_forbidden, storage_unsupported */
  ping(): Promise<void>

  /** Stores the whole body and answers when it is durable; on failure nothing is visible. @throws storage_exists, storage_full, storage_forbidden, storage_unavailable, body_incomplete */
  put(location: Location, body: PutBody, options?: PutOptions): Promise<PutResult>
  /** Reads an object or a part of it. @throws storage_not_found, range_not_satisfiable (empty range, or start at or past the end), storage_forbidden, storage_unavailable */
  get(location: Location, range?: ByteRange): Promise<GetResult>
  /** The last `bytes` bytes (all of a smaller object) and the object's size, in one request. @throws as `get` */
  getTail(location: Location, bytes: number): Promise<{ bytes: Uint8Array; totalBytes: number }>
  /** @throws storage_not_found, storage_forbidden, storage_unavailable */
  properties(location: Location): Promise<ObjectProperties>
  exists(location: Location): Promise<boolean>
  /** Removes an object; one that is not there is no error. */
  remove(location: Location): Promise<void>
  /** Removes many (any number; batched below); answers the failures, never throws for one object. */
  removeMany(locations: readonly Location[]): Promise<readonly { location: Location; error: Error }[]>
  /** Objects whose key starts with `prefix.key`, in byte order, from after `next` or `startAfter`. */
  list(prefix: Location, options?: { startAfter?: string; next?: string; limit?: number }): Promise<ListPage>
  /** Copies inside this storage. @throws storage_not_found */
  copy(from: Location, to: Location): Promise<PutResult>

  createMultipart(location: Location, options?: PutOptions): Promise<{ uploadId: string }>
  /** Stores one part, 1..10000; the same number again replaces it. @throws storage_not_found for an unknown upload */
  putPart(location: Location, uploadId: string, partNumber: number, body: PutBody): Promise<{ eTag: string }>
  /** In order of part number. Only where `capabilities.listParts`. @throws storage_not_found, storage_unsupported */
  listParts(location: Location, uploadId: string): Promise<readonly (UploadedPart & { sizeBytes: number })[]>
  /** Assembles the named parts in the given order. @throws storage_not_found, invalid_argument (unknown part or ETag) */
  completeMultipart(
    location: Location,
    uploadId: string,
    parts: readonly UploadedPart[],
  ): Promise<PutResult & { sizeBytes: number }>
  abortMultipart(location: Location, uploadId: string): Promise<void>

  /** Only where `capabilities.presign`. @throws storage_unsupported */
  presign(location: Location, method: 'GET' | 'PUT', options?: { downloadName?: string }): Promise<PresignedUrl>
  /** Only where `capabilities.presignMultipart`. @throws storage_unsupported */
  presignPart(location: Location, uploadId: string, partNumber: number): Promise<PresignedUrl>

  /** Ends background work and keeps no socket or file open. */
  close(): Promise<void>
}
