/**
 * The framed record of a table: an identity and the data it stands for.
 *
 * ```
 * varint(identity length) identity varint(data length) data      varints zigzag: n >= 0 is written as 2n
 * ```
 *
 * An object's identity is the 32 raw bytes of `identity.ts`; a range's is its id as 64 ASCII characters, a commit's likewise.
 */
import { Buffer } from 'node:buffer'
import { DomainError } from '../errors.ts'
import { putUvarint, uvarintLength } from '../sstable/varint.ts'

/** Largest identity or data, bytes: lakeFS's limit (640 << 16). */
const maxPartBytes = 41_943_040

/** Where the parts of a framed record lie in the buffer they were found in. */
export interface Frame {
  readonly identityStart: number
  readonly identityEnd: number
  readonly dataStart: number
  readonly dataEnd: number
}

/** Frames an identity and its data. */
export function frameRecord(identity: Uint8Array, data: Uint8Array): Buffer {
  const size = uvarintLength(2 * identity.length) + identity.length + uvarintLength(2 * data.length) + data.length
  const record = Buffer.allocUnsafe(size)
  let at = putUvarint(record, 0, 2 * identity.length)
  record.set(identity, at)
  at = putUvarint(record, at + identity.length, 2 * data.length)
  record.set(data, at)
  return record
}

/** Finds the parts of the record in `source[start..end)`; bytes after the data are ignored. @throws corrupt */
export function parseFrame(source: Uint8Array, start = 0, end = source.length): Frame {
  const identityBytes = partLength(source, start, end)
  const identityStart = start + uvarintLength(2 * identityBytes)
  const identityEnd = identityStart + identityBytes
  const dataBytes = partLength(source, identityEnd, end)
  const dataStart = identityEnd + uvarintLength(2 * dataBytes)
  const dataEnd = dataStart + dataBytes
  if (dataEnd > end) throw malformed()
  return { identityStart, identityEnd, dataStart, dataEnd }
}

/** Whether two framed records have the same identity: equal content, whatever their addresses and times. @throws corrupt */
export function sameIdentity(
  a: Buffer,
  aStart: number,
  aEnd: number,
  b: Buffer,
  bStart: number,
  bEnd: number,
): boolean {
  // The length is part of the comparison, so equal bytes up to the identity's end are equal identities.
  const length = partLength(a, aStart, aEnd)
  if (partLength(b, bStart, bEnd) !== length) return false
  const from = uvarintLength(2 * length)
  if (aStart + from + length > aEnd || bStart + from + length > bEnd) throw malformed()
  return a.compare(b, bStart + from, bStart + from + length, aStart + from, aStart + from + length) === 0
}

/** A part's length, read at `at`: zigzag and canonical, as Go's `binary.PutVarint` writes it. */
function partLength(source: Uint8Array, at: number, end: number): number {
  let zigzag = 0
  for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
    const byte = at < end ? source[at++] : undefined
    if (byte === undefined) throw malformed()
    zigzag += (byte & 0x7f) * factor
    if (byte >= 128) continue
    const canonical = byte !== 0 || factor === 1
    if (zigzag % 2 === 1 || zigzag / 2 > maxPartBytes || !canonical) throw malformed()
    return zigzag / 2
  }
  throw malformed()
}

function malformed(): DomainError {
  return new DomainError('corrupt', 'cannot read record: its framing is malformed')
}
