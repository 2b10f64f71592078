import { Buffer } from 'node:buffer'
import { type Block, decodeBlock } from './block.ts'
import { BlockCursor } from './block-cursor.ts'
import { corrupt } from './corrupt.ts'
import { type BlockHandle, blockTrailerBytes, footerBytes, parseFooter, readHandle } from './footer.ts'
import { dataSizeProperty, indexTypeProperty } from './properties.ts'
import { type TableIndex, TableIndexBuilder } from './table-index.ts'
import { VarintReader } from './varint.ts'

/** The end of a table's file, from byte `start` on: all that opening a table needs. */
export interface FileTail {
  readonly bytes: Uint8Array
  readonly start: number
}

/** What a table says of itself, without its records. */
export interface TableLayout {
  readonly index: TableIndex
  /** Built-in and user properties; empty when the table has none. */
  readonly properties: ReadonlyMap<string, Buffer>
}

/**
 * Opens a table from the end of its file. When the tail is too short, answers from where it must reach instead: always before
 * `tail.start`.
 * @throws corrupt
 */
export function parseTable(tail: FileTail): TableLayout | { readonly needFrom: number } {
  const footer = parseFooter(tail.bytes.subarray(Math.max(0, tail.bytes.length - footerBytes)))
  const properties = new Map<string, Buffer>()
  if (footer.metaindex.offset < tail.start) return { needFrom: footer.metaindex.offset }
  const handle = propertiesHandle(blockOf(tail, footer.metaindex))
  if (handle !== null) {
    if (handle.offset < tail.start) return { needFrom: handle.offset }
    const cursor = new BlockCursor(0)
    cursor.reset(blockOf(tail, handle))
    while (cursor.next()) properties.set(cursor.copyKey().toString(), Buffer.from(cursor.value()))
  }
  if (footer.index.offset < tail.start) return { needFrom: indexStart(footer.index, properties) }
  const top = blockOf(tail, footer.index)
  const index = new TableIndexBuilder()
  if (properties.get(indexTypeProperty)?.[0] !== 2) index.addBlock(top)
  else {
    const partitions = new TableIndexBuilder()
    partitions.addBlock(top)
    for (const partition of partitions.handles()) {
      if (partition.offset < tail.start)
        return { needFrom: Math.min(partition.offset, indexStart(partition, properties)) }
      index.addBlock(blockOf(tail, partition))
    }
  }
  return { index: index.finish(), properties }
}

function propertiesHandle(metaindex: Block): BlockHandle | null {
  const cursor = new BlockCursor(0)
  cursor.reset(metaindex)
  if (!cursor.seek(Buffer.from('rocksdb.properties'))) return null
  if (cursor.copyKey().toString() !== 'rocksdb.properties') return null
  return readHandle(new VarintReader(cursor.value()))
}

/** Where the first index block begins: just behind the data, so that one further read brings all partitions. */
function indexStart(index: BlockHandle, properties: ReadonlyMap<string, Buffer>): number {
  const dataBytes = properties.get(dataSizeProperty)
  if (dataBytes === undefined) return index.offset
  return Math.min(index.offset, new VarintReader(dataBytes).uvarint())
}

function blockOf(tail: FileTail, handle: BlockHandle): Block {
  const start = handle.offset - tail.start
  if (start + handle.length + blockTrailerBytes > tail.bytes.length) throw corrupt('a block lies outside the file')
  return decodeBlock(tail.bytes, start, handle.length)
}
