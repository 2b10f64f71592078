/**
 * Objects' records: `catalog.Entry` of lakeFS, framed.
 *
 * ```
 * 1 address string   2 last_modified Timestamp   3 size int64   4 e_tag string   5 metadata map<string,string>
 * 6 address_type (0 legacy, 1 relative, 2 full)  7 content_type string
 * 1001 storage id of the bytes, string: ours; lakeFS keeps it and ignores it
 * any other: of later versions, kept as it is behind the known ones
 * ```
 */
import { Buffer } from 'node:buffer'
import type { AddressType, Entry, StorageId, Timestamp } from '../model.ts'
import { sortedKeys } from '../sstable/ident.ts'
import { frameRecord, parseFrame } from './framing.ts'
import { entryIdentity } from './identity.ts'
import { MessageReader, MessageWriter } from './protobuf.ts'

const addressTypes: readonly AddressType[] = ['legacy', 'relative', 'full']
const storageIdField = 1001

/** The record of a new or changed entry as it lies in a range and in the staging table: identity and data, framed. */
export function encodeEntry(entry: Entry): Buffer {
  const data = new MessageWriter()
    .text(1, entry.address)
    .timestamp(2, entry.lastModified)
    .int(3, entry.sizeBytes)
    .text(4, entry.eTag)
    .map(5, entry.metadata, sortedKeys(entry.metadata))
    .int(6, addressTypes.indexOf(entry.addressType))
    .text(7, entry.contentType)
    .text(storageIdField, entry.storageId ?? '')
  if (entry.unknown !== undefined) data.rawFields(entry.unknown)
  return frameRecord(entryIdentity(entry), data.finish())
}

/**
 * Reads an entry from its framed record. Fields that it does not know come along as bytes, so that an entry changed and encoded again
 * keeps them; an untouched record is copied as bytes, never encoded again. @throws corrupt
 */
export function decodeEntry(record: Buffer): Entry {
  const frame = parseFrame(record)
  const reader = new MessageReader(record, frame.dataStart, frame.dataEnd)
  let address = ''
  let addressType: AddressType = 'legacy'
  let lastModified: Timestamp = { seconds: 0, nanos: 0 }
  let sizeBytes = 0
  let eTag = ''
  let contentType = ''
  let storageId = ''
  const metadata: Record<string, string> = {}
  const unknown: Buffer[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        address = reader.text()
        break
      case 2:
        lastModified = reader.timestamp()
        break
      case 3:
        sizeBytes = reader.int()
        break
      case 4:
        eTag = reader.text()
        break
      case 5:
        reader.mapEntry(metadata)
        break
      case 6:
        addressType = addressTypes[reader.int()] ?? 'legacy'
        break
      case 7:
        contentType = reader.text()
        break
      case storageIdField:
        storageId = reader.text()
        break
      default:
        unknown.push(reader.rawField())
    }
  }
  return {
    address,
    addressType,
    lastModified,
    sizeBytes,
    eTag,
    metadata,
    contentType,
    ...(storageId === '' ? {} : { storageId: storageId as StorageId }),
    ...(unknown.length === 0 ? {} : { unknown: Buffer.concat(unknown) }),
  }
}

/** The identity of a framed record, a view of it: 32 bytes for objects. Stored ones are opaque, never computed again. @throws corrupt */
export function recordIdentity(record: Buffer): Buffer {
  const frame = parseFrame(record)
  return record.subarray(frame.identityStart, frame.identityEnd)
}
