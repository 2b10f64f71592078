import { Buffer } from 'node:buffer'
import { BlockBuilder, copyBytes, dataTrailer, grow } from './block-builder.ts'
import { maskedCrc32c } from './crc32c.ts'
import { type BlockHandle, blockTrailerBytes, encodeFooter } from './footer.ts'
import { encodeHandles, IndexBuilder } from './index-builder.ts'
import { encodeProperties, type TableStatistics } from './properties.ts'
import { snappyBound, snappyEncode } from './snappy-encode.ts'
import { TableHash } from './table-hash.ts'

const restartInterval = 16
const initialBytes = 64 * 1024

/** A table as it is to be stored. */
export interface FinishedTable {
  /** 64 lower-case hex characters, the table's file name. */
  readonly id: string
  readonly bytes: Buffer
  readonly count: number
  /** Empty when the table has no records. */
  readonly minKey: Buffer
  readonly maxKey: Buffer
  /** The estimate just before the end, which lakeFS records in the metarange. */
  readonly estimatedSizeBytes: number
}

/**
 * Writes one table in RocksDB's block-based format, version 2, byte for byte as lakeFS's pebble does:
 *
 * ```
 * data block… | index partition… (two levels only) | index | properties | metaindex | footer (53 bytes)
 * block = payload ++ type (0 plain, 1 snappy) ++ le32(masked CRC-32C of payload and type)
 * ```
 *
 * `properties` (`type` and whatever else) enter the id; `min_key`, `max_key`, `count` and `estimated_size_bytes` are added to the
 * file only.
 */
export class TableWriter {
  /** Records added so far. */
  count = 0

  readonly #properties: Readonly<Record<string, string>>
  readonly #hash = new TableHash()
  readonly #block = new BlockBuilder(restartInterval)
  readonly #index = new IndexBuilder()
  #out: Buffer = Buffer.allocUnsafeSlow(initialBytes)
  #size = 0
  #dataBlocks = 0
  #rawKeyBytes = 0
  #rawValueBytes = 0
  #minKey: Buffer = Buffer.alloc(0)
  #lastKey: Buffer = Buffer.allocUnsafeSlow(256)
  #lastKeyBytes = 0

  constructor(properties: Readonly<Record<string, string>>) {
    this.#properties = properties
  }

  /** Bytes of the file as far as lakeFS reckons them while it is being written: 8 at the start. */
  get estimatedSizeBytes(): number {
    return this.#size + this.#block.estimatedBytes + this.#index.estimatedBytes
  }

  /** Appends `key[keyStart..keyEnd)` → `value[valueStart..valueEnd)`; both are copied. Keys must be strictly ascending bytewise. */
  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyBytes = keyEnd - keyStart
    const valueBytes = valueEnd - valueStart
    if (this.count === 0) this.#minKey = Buffer.from(key.subarray(keyStart, keyEnd))
    else if (this.#lastKey.compare(key, keyStart, keyEnd, 0, this.#lastKeyBytes) >= 0) {
      throw new Error('a table takes its records in strictly ascending order')
    }
    if (this.#block.mustCut(keyBytes + dataTrailer.length, valueBytes)) {
      this.#index.add(this.#last(), key.subarray(keyStart, keyEnd), this.#flushBlock())
    }
    this.#block.add(key, keyStart, keyEnd, dataTrailer, value, valueStart, valueEnd)
    this.#hash.add(key, keyStart, keyEnd)
    this.#hash.add(value, valueStart, valueEnd)
    if (keyBytes > this.#lastKey.length) this.#lastKey = Buffer.allocUnsafeSlow(2 * keyBytes)
    copyBytes(key, keyStart, keyEnd, this.#lastKey, 0)
    this.#lastKeyBytes = keyBytes
    this.#rawKeyBytes += keyBytes + dataTrailer.length
    this.#rawValueBytes += valueBytes
    this.count++
  }

  /** Ends the file. The writer is spent. */
  finish(): FinishedTable {
    const estimatedSizeBytes = this.estimatedSizeBytes
    const maxKey = Buffer.from(this.#last())
    const lastBlock = this.#flushBlock()
    if (this.count === 0) this.#index.addEmpty(lastBlock)
    else this.#index.add(maxKey, null, lastBlock)
    const dataBytes = this.#size
    const { handle: index, indexBytes, twoLevel } = this.#putIndex()
    const properties = this.#putPlain(
      encodeProperties(
        {
          dataBytes,
          dataBlocks: this.#dataBlocks,
          entries: this.count,
          rawKeyBytes: this.#rawKeyBytes,
          rawValueBytes: this.#rawValueBytes,
          indexBytes,
          twoLevel,
        },
        [
          ...Object.entries(this.#properties).map(([name, value]) => [name, Buffer.from(value)] as const),
          ['min_key', this.#minKey],
          ['max_key', maxKey],
          ['count', Buffer.from(String(this.count))],
          ['estimated_size_bytes', Buffer.from(String(estimatedSizeBytes))],
        ],
      ),
    )
    const metaindex = this.#putPlain(encodeHandles([[Buffer.from('rocksdb.properties'), properties]]))
    const footer = encodeFooter({ metaindex, index })
    this.#makeRoom(footer.length)
    this.#out.set(footer, this.#size)
    return {
      id: this.#hash.finish(this.#properties),
      bytes: this.#out.subarray(0, this.#size + footer.length),
      count: this.count,
      minKey: this.#minKey,
      maxKey,
      estimatedSizeBytes,
    }
  }

  #last(): Buffer {
    return this.#lastKey.subarray(0, this.#lastKeyBytes)
  }

  #flushBlock(): BlockHandle {
    this.#block.finish()
    const handle = this.#putCompressed(this.#block.payload, this.#block.sizeBytes)
    this.#block.clear()
    this.#dataBlocks++
    return handle
  }

  #putIndex(): { handle: BlockHandle; indexBytes: number; twoLevel: TableStatistics['twoLevel'] } {
    const partitions = this.#index.finish()
    const handles = partitions.map((partition) => this.#putCompressed(partition.payload, partition.payload.length))
    const partitionBytes = partitions.reduce((sum, partition) => sum + partition.payload.length, 0)
    const [only] = handles
    if (only !== undefined && handles.length === 1) {
      return { handle: only, indexBytes: partitionBytes + blockTrailerBytes, twoLevel: null }
    }
    const top = encodeHandles(
      partitions.map((partition, i) => [partition.lastKey, handles[i] ?? { offset: 0, length: 0 }]),
    )
    return {
      handle: this.#putCompressed(top, top.length),
      indexBytes: partitionBytes + top.length + blockTrailerBytes,
      twoLevel: { partitions: partitions.length, topLevelBytes: top.length },
    }
  }

  /** Compressed, unless that saves less than an eighth. */
  #putCompressed(payload: Buffer, length: number): BlockHandle {
    this.#makeRoom(snappyBound(length) + blockTrailerBytes)
    const end = snappyEncode(payload, 0, length, this.#out, this.#size)
    if (end - this.#size < length - Math.floor(length / 8)) return this.#seal(end, 1)
    return this.#seal(copyBytes(payload, 0, length, this.#out, this.#size), 0)
  }

  #putPlain(payload: Buffer): BlockHandle {
    this.#makeRoom(payload.length + blockTrailerBytes)
    return this.#seal(copyBytes(payload, 0, payload.length, this.#out, this.#size), 0)
  }

  #seal(end: number, type: number): BlockHandle {
    const offset = this.#size
    this.#out[end] = type
    this.#size = this.#out.writeUInt32LE(maskedCrc32c(this.#out, offset, end + 1), end + 1)
    return { offset, length: end - offset }
  }

  #makeRoom(bytes: number): void {
    if (this.#size + bytes > this.#out.length) this.#out = grow(this.#out, this.#size, this.#size + bytes)
  }
}
