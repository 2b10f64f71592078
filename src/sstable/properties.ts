import { Buffer } from 'node:buffer'
import { BlockBuilder, noTrailer } from './block-builder.ts'
import { putUvarint, uvarintLength } from './varint.ts'

/** Name of a table's index type, le32: 0 one level, 2 two levels. */
export const indexTypeProperty = 'rocksdb.block.based.table.index.type'
/** Name of the file offset where data blocks end, uvarint. */
export const dataSizeProperty = 'rocksdb.data.size'

/** What the writer knows of a table when it writes the built-in properties. */
export interface TableStatistics {
  /** File offset just after the last data block. */
  readonly dataBytes: number
  readonly dataBlocks: number
  readonly entries: number
  /** Sum of the key lengths, eight trailer bytes each included. */
  readonly rawKeyBytes: number
  readonly rawValueBytes: number
  /** Uncompressed index blocks plus one trailer. */
  readonly indexBytes: number
  /** Only for a two-level index. */
  readonly twoLevel: { readonly partitions: number; readonly topLevelBytes: number } | null
}

const fixed: readonly (readonly [string, Buffer])[] = [
  ['rocksdb.block.based.table.prefix.filtering', Buffer.from('0')],
  ['rocksdb.block.based.table.whole.key.filtering', Buffer.from('0')],
  ['rocksdb.column.family.id', uvarint(2147483647)],
  ['rocksdb.comparator', Buffer.from('leveldb.BytewiseComparator')],
  ['rocksdb.compression', Buffer.from('Snappy')],
  [
    'rocksdb.compression_options',
    Buffer.from('window_bits=-14; level=32767; strategy=0; max_dict_bytes=0; zstd_max_train_bytes=0; enabled=0; '),
  ],
  ['rocksdb.creation.time', uvarint(0)],
  ['rocksdb.deleted.keys', uvarint(0)],
  ['rocksdb.external_sst_file.global_seqno', Buffer.alloc(8)],
  ['rocksdb.external_sst_file.version', le32(2)],
  ['rocksdb.filter.size', uvarint(0)],
  ['rocksdb.fixed.key.length', uvarint(0)],
  ['rocksdb.format.version', uvarint(0)],
  ['rocksdb.index.key.is.user.key', uvarint(0)],
  ['rocksdb.index.value.is.delta.encoded', uvarint(0)],
  ['rocksdb.merge.operands', uvarint(0)],
  ['rocksdb.merge.operator', Buffer.from('pebble.concatenate')],
  ['rocksdb.num.range-deletions', uvarint(0)],
  ['rocksdb.oldest.key.time', uvarint(0)],
  ['rocksdb.prefix.extractor.name', Buffer.from('nullptr')],
  ['rocksdb.property.collectors', Buffer.from('[static]')],
]

/**
 * The properties block: what pebble says of a table beside the `user` properties, one block with a single restart point, keys in
 * byte order. Names and encodings are those of RocksDB's table properties.
 */
export function encodeProperties(
  statistics: TableStatistics,
  user: readonly (readonly [string, Uint8Array])[],
): Buffer {
  const all: (readonly [string, Uint8Array])[] = [
    ...fixed,
    ...user,
    [indexTypeProperty, le32(statistics.twoLevel === null ? 0 : 2)],
    [dataSizeProperty, uvarint(statistics.dataBytes)],
    ['rocksdb.index.size', uvarint(statistics.indexBytes)],
    ['rocksdb.num.data.blocks', uvarint(statistics.dataBlocks)],
    ['rocksdb.num.entries', uvarint(statistics.entries)],
    ['rocksdb.raw.key.size', uvarint(statistics.rawKeyBytes)],
    ['rocksdb.raw.value.size', uvarint(statistics.rawValueBytes)],
  ]
  if (statistics.twoLevel !== null) {
    all.push(['rocksdb.index.partitions', uvarint(statistics.twoLevel.partitions)])
    all.push(['rocksdb.top-level.index.size', uvarint(statistics.twoLevel.topLevelBytes)])
  }
  const sorted = all.map(([name, value]) => [Buffer.from(name), value] as const)
  sorted.sort(([a], [b]) => Buffer.compare(a, b))
  const block = new BlockBuilder(Number.POSITIVE_INFINITY)
  for (const [name, value] of sorted) block.add(name, 0, name.length, noTrailer, value, 0, value.length)
  block.finish()
  return block.payload.subarray(0, block.sizeBytes)
}

function uvarint(value: number): Buffer {
  const bytes = Buffer.alloc(uvarintLength(value))
  putUvarint(bytes, 0, value)
  return bytes
}

function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
