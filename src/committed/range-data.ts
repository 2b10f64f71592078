/**
 * A metarange's records: key = the range's largest key, identity = its id in ASCII, data = `committed.RangeData` of lakeFS.
 *
 * ```
 * 1 min_key bytes   2 max_key bytes   3 estimated_size uint64   4 count int64
 * ```
 */
import { Buffer } from 'node:buffer'
import { frameRecord, parseFrame } from './framing.ts'
import { MessageReader, MessageWriter } from './protobuf.ts'

export interface RangeData {
  readonly minKey: Buffer
  readonly maxKey: Buffer
  /** Bytes of the range's file as reckoned when it was closed; informational. */
  readonly estimatedSizeBytes: number
  /** Records in the range. */
  readonly count: number
}

/** The framed record of a range in a metarange. */
export function encodeRange(id: string, range: RangeData): Buffer {
  const data = new MessageWriter()
    .bytes(1, range.minKey)
    .bytes(2, range.maxKey)
    .int(3, range.estimatedSizeBytes)
    .int(4, range.count)
  return frameRecord(Buffer.from(id, 'latin1'), data.finish())
}

/** Reads a metarange's record; the keys are views of it. @throws corrupt */
export function decodeRange(record: Buffer): RangeData & { readonly id: string } {
  const frame = parseFrame(record)
  const reader = new MessageReader(record, frame.dataStart, frame.dataEnd)
  let minKey: Buffer = Buffer.alloc(0)
  let maxKey: Buffer = Buffer.alloc(0)
  let estimatedSizeBytes = 0
  let count = 0
  while (reader.next()) {
    if (reader.field === 1) minKey = reader.bytes()
    else if (reader.field === 2) maxKey = reader.bytes()
    else if (reader.field === 3) estimatedSizeBytes = reader.int()
    else if (reader.field === 4) count = reader.int()
    else reader.skip()
  }
  return {
    id: record.toString('latin1', frame.identityStart, frame.identityEnd),
    minKey,
    maxKey,
    estimatedSizeBytes,
    count,
  }
}
