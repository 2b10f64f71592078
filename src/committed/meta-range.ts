import { Buffer } from 'node:buffer'
import type { MetaRangeId } from '../model.ts'
import { decodeRange, type RangeData } from './range-data.ts'

/** Numbers per range in `MetaRange`'s table of positions: record, value, value's end, min key, min key's end. */
const stride = 5

/**
 * A metarange in memory: its records (`maxKey ++ framed value`) in one buffer and where they lie. Ranges are disjoint and in byte
 * order.
 */
export class MetaRange {
  readonly id: MetaRangeId
  /** Ranges in it. */
  readonly count: number
  /** Bytes of memory held. */
  readonly sizeBytes: number
  readonly #bytes: Buffer
  readonly #at: Uint32Array
  readonly #ids: readonly string[]
  readonly #estimates: Float64Array
  readonly #counts: Float64Array

  /** @param records the table's records in order @throws corrupt */
  constructor(id: MetaRangeId, records: readonly (readonly [key: Buffer, value: Buffer])[]) {
    this.id = id
    this.count = records.length
    const ranges = records.map(([, value]) => decodeRange(value))
    const at = new Uint32Array(stride * records.length)
    const pieces: Buffer[] = []
    let size = 0
    for (const [i, [key, value]] of records.entries()) {
      const minKey = ranges[i]?.minKey ?? key
      at.set([size, size + key.length, size + key.length + value.length], stride * i)
      pieces.push(key, value)
      size += key.length + value.length
      at.set([size, size + minKey.length], stride * i + 3)
      pieces.push(minKey)
      size += minKey.length
    }
    this.#bytes = Buffer.concat(pieces, size)
    this.#at = at
    this.#ids = ranges.map((range) => range.id)
    this.#estimates = Float64Array.from(ranges, (range) => range.estimatedSizeBytes)
    this.#counts = Float64Array.from(ranges, (range) => range.count)
    this.sizeBytes = size + records.length * (4 * stride + 16 + 96)
  }

  /** The first range whose largest key is >= `key`; `count` when `key` is above all. */
  find(key: Uint8Array): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compareMaxKey(middle, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Order of range `i`'s largest key against `key`. */
  compareMaxKey(i: number, key: Uint8Array): number {
    return this.#bytes.compare(key, 0, key.length, this.#position(i, 0), this.#position(i, 1))
  }

  /** Order of range `i`'s smallest key against `key`. */
  compareMinKey(i: number, key: Uint8Array): number {
    return this.#bytes.compare(key, 0, key.length, this.#position(i, 3), this.#position(i, 4))
  }

  /** Id of range `i`, 64 hex characters. */
  rangeId(i: number): string {
    return this.#ids[i] ?? ''
  }

  /** What the metarange says of range `i`; the keys are views. */
  range(i: number): RangeData {
    return {
      minKey: this.#bytes.subarray(this.#position(i, 3), this.#position(i, 4)),
      maxKey: this.#bytes.subarray(this.#position(i, 0), this.#position(i, 1)),
      estimatedSizeBytes: this.estimatedSizeBytes(i),
      count: this.#counts[i] ?? 0,
    }
  }

  /** Reckoned file size of range `i`. */
  estimatedSizeBytes(i: number): number {
    return this.#estimates[i] ?? 0
  }

  /** The framed record of range `i` as stored, a view. */
  record(i: number): Buffer {
    return this.#bytes.subarray(this.#position(i, 1), this.#position(i, 2))
  }

  #position(i: number, which: number): number {
    return this.#at[stride * i + which] ?? 0
  }
}

/** The tree without records: what the metarange id `""` stands for. */
export const emptyMetaRange = new MetaRange('' as MetaRangeId, [])
