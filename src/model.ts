/** Leaf types: the words that every room speaks. Imports nothing. */

declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** 3..63 of `[a-z0-9-]`, not starting with `-`. */
export type RepositoryName = Branded<string, 'RepositoryName'>
/** Immutable identity of a repository: a UUID. A recreated repository of the same name has another one. */
export type RepositoryUid = Branded<string, 'RepositoryUid'>
/** `^\w[-\w]*$`, ASCII. */
export type BranchName = Branded<string, 'BranchName'>
/** Git-like tag name, see `refs/names.ts`. */
export type TagName = Branded<string, 'TagName'>
/** What a client wrote where a ref is expected: a branch, tag, commit id or prefix, with `~ ^ @ $` modifiers. */
export type RefExpression = Branded<string, 'RefExpression'>
/** 64 lower-case hex characters: SHA-256 of the commit's identity. */
export type CommitId = Branded<string, 'CommitId'>
/** 64 lower-case hex characters, or `""` for the empty tree. */
export type MetaRangeId = Branded<string, 'MetaRangeId'>
/** A configured storage's id; `""` is the single `blockstore` of a lakeFS configuration. */
export type StorageId = Branded<string, 'StorageId'>
/** A repository's root in its storage, a URI kept verbatim (`s3://bucket/prefix`, `local://name`). */
export type StorageNamespace = Branded<string, 'StorageNamespace'>
/** UUID naming one generation of a branch's uncommitted rows. */
export type StagingToken = Branded<string, 'StagingToken'>

/**
 * An object's logical path, 1..1024 bytes, ordered bytewise everywhere. Bytes, not text: lakeFS commits keys that are not UTF-8.
 */
export type ObjectPath = Buffer

/** Unix time as protobuf's Timestamp has it: whole seconds (floored, may be negative) and 0..999,999,999 nanoseconds. */
export interface Timestamp {
  readonly seconds: number
  readonly nanos: number
}

/** How `Entry.address` is to be read (protobuf enum of `catalog.Entry`, field 6). */
export type AddressType = 'legacy' | 'relative' | 'full'

/** One object of a tree: what `catalog.Entry` carries beside its path. */
export interface Entry {
  /** Relative to the repository's namespace (`data/<partition>/<id>`) or a full URI, by `addressType`. */
  readonly address: string
  readonly addressType: AddressType
  readonly lastModified: Timestamp
  readonly sizeBytes: number
  /** Hex MD5 for uploads; whatever the storage gave for imported and linked objects. */
  readonly eTag: string
  readonly metadata: Readonly<Record<string, string>>
  /** `""` when the record carries none (imports): shown as `application/octet-stream`, kept empty when rewritten. */
  readonly contentType: string
  /** The storage that holds the bytes when it is not the repository's own (unknown protobuf field 1001). */
  readonly storageId?: StorageId
  /** Protobuf fields of the record that this version does not know, as they lay there; written back behind the known ones. */
  readonly unknown?: Buffer
}

/** A commit as recorded; `id` is the hash of the identity fields (see `committed/identity.ts`). */
export interface Commit {
  readonly id: CommitId
  readonly committer: string
  readonly message: string
  readonly creationDate: Timestamp
  readonly metaRangeId: MetaRangeId
  readonly metadata: Readonly<Record<string, string>>
  readonly parents: readonly CommitId[]
  /** 1 on all new commits; 0 on commits of very old repositories. */
  readonly version: number
  /** 1 for a root, else 1 + the largest of the parents'. */
  readonly generation: number
}

/** A repository's record. */
export interface Repository {
  readonly uid: RepositoryUid
  readonly name: RepositoryName
  /** The storage that holds it now; `""` when it was created under a single `blockstore`. */
  readonly storageId: StorageId
  /** The storage at creation: what a FULL address without a storage of its own means. Never changes. */
  readonly homeStorageId: StorageId
  readonly namespace: StorageNamespace
  readonly defaultBranch: BranchName
  readonly createdAtSeconds: number
  readonly readOnly: boolean
  /** Patterns of branch names that only merges may change. */
  readonly protectedBranches: readonly string[]
}

/** What listings tell of a repository: without the rules, which can be long. */
export type RepositorySummary = Omit<Repository, 'protectedBranches'>

/**
 * A position in an ordered run of records. `next` and `seek` answer at once when the record is at hand and a promise when it has to
 * be fetched: `const moved = cursor.next(); if (moved instanceof Promise ? await moved : moved) …`.
 *
 * Ordered strictly ascending bytewise by key. The buffers stay valid; they may share memory with a cache, so never write to them.
 */
export interface Cursor {
  /** Key of the current record. Only defined after `next` or `seek` answered true. */
  readonly key: ObjectPath
  /** The framed record as it lies in a range (identity and entry, each with its length), or null for a tombstone (staged cursors only). */
  readonly value: Buffer | null
  /** Moves to the following record; from the start, to the first. False at the end. */
  next(): boolean | Promise<boolean>
  /** Moves to the first record whose key is >= `key`. May only go forward. False at the end. */
  seek(key: ObjectPath): boolean | Promise<boolean>
}
