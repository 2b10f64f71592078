import { encodeEntry } from '../../src/committed/entry.ts'
import { decodeBlock } from '../../src/sstable/block.ts'
import { BlockCursor } from '../../src/sstable/block-cursor.ts'
import { parseTable, type TableLayout } from '../../src/sstable/table-layout.ts'

export interface TableRecords {
  readonly layout: TableLayout
  readonly records: readonly (readonly [key: Buffer, value: Buffer])[]
}

/** Reads a whole table that lies in memory. */
export function readTable(bytes: Buffer): TableRecords {
  const layout = parseTable({ bytes, start: 0 })
  if ('needFrom' in layout) throw new Error('a whole file can never be too short')
  const records: [Buffer, Buffer][] = []
  const cursor = new BlockCursor(8)
  for (let block = 0; block < layout.index.count; block++) {
    cursor.reset(decodeBlock(bytes, layout.index.offset(block), layout.index.length(block)))
    while (cursor.next()) records.push([cursor.copyKey(), cursor.value()])
  }
  return { layout, records }
}

/** An object's record of which only the size matters. */
export function sizedRecord(sizeBytes: number): Buffer {
  return encodeEntry({
    address: `data/${sizeBytes}`,
    addressType: 'relative',
    lastModified: { seconds: 1, nanos: 0 },
    sizeBytes,
    eTag: `${sizeBytes}`,
    metadata: {},
    contentType: '',
  })
}
