/** Content hashes of entries and commits, equal to lakeFS's. */
import type { Buffer } from 'node:buffer'
import type { Commit, CommitId, Entry } from '../model.ts'
import { IdentWriter } from '../sstable/ident.ts'

/** The fields of an entry that make its identity: not the address, not the time. */
export type EntryContent = Pick<Entry, 'sizeBytes' | 'eTag' | 'metadata' | 'contentType'>

/** SHA-256 (32 raw bytes) of an entry's content: entries with equal identities are the same object to commits, diffs and merges. */
export function entryIdentity(entry: EntryContent): Buffer {
  return entryPreimage(entry).digest()
}

/** What `entryIdentity` hashes. An empty content type is left out altogether. */
export function entryPreimage(entry: EntryContent): IdentWriter {
  const ident = new IdentWriter().int64(entry.sizeBytes).string(entry.eTag).map(entry.metadata)
  return entry.contentType === '' ? ident : ident.string(entry.contentType)
}

/** The fields of a commit that make its id: not version, generation or nanoseconds. */
export type CommitContent = Pick<
  Commit,
  'committer' | 'message' | 'metaRangeId' | 'creationDate' | 'metadata' | 'parents'
>

/** A commit's id: SHA-256 of its content, 64 lower-case hex characters. Restoring a dump in lakeFS checks it. */
export function commitId(commit: CommitContent): CommitId {
  return commitPreimage(commit).digest().toString('hex') as CommitId
}

/** What `commitId` hashes: whole seconds (floored), parents in stored order by their own digest. */
export function commitPreimage(commit: CommitContent): IdentWriter {
  return new IdentWriter()
    .string('commit:v1')
    .string(commit.committer)
    .string(commit.message)
    .string(commit.metaRangeId)
    .int64(commit.creationDate.seconds)
    .map(commit.metadata)
    .embed(new IdentWriter().strings(commit.parents).digest())
}
