/**
 * The records of a refs dump: messages of lakeFS's `io.treeverse.lakefs.graveler`, framed under a commit id in ASCII.
 *
 * ```
 * CommitData  1 id  2 committer  3 message  4 creation_date Timestamp  5 meta_range_id  6 metadata map  7 parents…  8 version  9 generation
 * BranchData  1 id  2 commit_id        TagData  1 id  2 commit_id
 * ```
 */
import { Buffer } from 'node:buffer'
import type { Commit, CommitId, MetaRangeId, Timestamp } from '../model.ts'
import { sortedKeys } from '../sstable/ident.ts'
import { frameRecord, parseFrame } from './framing.ts'
import { MessageReader, MessageWriter } from './protobuf.ts'

/** A branch's or a tag's record in a dump. */
export interface RefData {
  readonly name: string
  readonly commitId: CommitId
}

/** The framed record of a commit; its key in the dump is the commit id. */
export function encodeCommit(commit: Commit): Buffer {
  const data = new MessageWriter()
    .text(1, commit.id)
    .text(2, commit.committer)
    .text(3, commit.message)
    .timestamp(4, commit.creationDate)
    .text(5, commit.metaRangeId)
    .map(6, commit.metadata, sortedKeys(commit.metadata))
    .texts(7, commit.parents)
    .int(8, commit.version)
    .int(9, commit.generation)
  return frameRecord(Buffer.from(commit.id, 'latin1'), data.finish())
}

/** Reads a commit's record; the id is the stored one, not checked against the content. @throws corrupt */
export function decodeCommit(record: Buffer): Commit {
  const frame = parseFrame(record)
  const reader = new MessageReader(record, frame.dataStart, frame.dataEnd)
  const texts = ['', '', '', '', '', '']
  let creationDate: Timestamp = { seconds: 0, nanos: 0 }
  const metadata: Record<string, string> = {}
  const parents: CommitId[] = []
  let version = 0
  let generation = 0
  while (reader.next()) {
    const field = reader.field
    if (field === 4) creationDate = reader.timestamp()
    else if (field === 6) reader.mapEntry(metadata)
    else if (field === 7) parents.push(reader.text() as CommitId)
    else if (field === 8) version = reader.int()
    else if (field === 9) generation = reader.int()
    else if (field <= 5) texts[field] = reader.text()
    else reader.skip()
  }
  const [, id = '', committer = '', message = '', , metaRangeId = ''] = texts
  return {
    id: id as CommitId,
    committer,
    message,
    creationDate,
    metaRangeId: metaRangeId as MetaRangeId,
    metadata,
    parents,
    version,
    generation,
  }
}

/** The framed record of a branch or a tag (their messages are alike); its key in the dump is the name. */
export function encodeRef(ref: RefData): Buffer {
  const data = new MessageWriter().text(1, ref.name).text(2, ref.commitId)
  return frameRecord(Buffer.from(ref.commitId, 'latin1'), data.finish())
}

/** Reads a branch's or a tag's record; staging tokens and the hidden flag, which dumps do not carry, are passed over. @throws corrupt */
export function decodeRef(record: Buffer): RefData {
  const frame = parseFrame(record)
  const reader = new MessageReader(record, frame.dataStart, frame.dataEnd)
  let name = ''
  let commitId = ''
  while (reader.next()) {
    if (reader.field === 1) name = reader.text()
    else if (reader.field === 2) commitId = reader.text()
    else reader.skip()
  }
  return { name, commitId: commitId as CommitId }
}
