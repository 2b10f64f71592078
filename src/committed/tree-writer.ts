import type { Buffer } from 'node:buffer'
import type { MetaRangeId } from '../model.ts'
import { TableWriter } from '../sstable/table-writer.ts'
import type { MetaRange } from './meta-range.ts'
import { encodeRange } from './range-data.ts'
import { endsRange, type RangePolicy } from './range-policy.ts'
import { metaRangeProperties, rangeProperties, type TableProperties } from './table-kinds.ts'
import type { TableStore } from './table-store.ts'

/** Finished ranges on their way to the store: at most so many, and no further one while so many bytes are in flight. */
const maxUploads = 4
const maxUploadBytes = 32 * 1024 * 1024

/** What a new tree is written with. */
export interface TreeWriterOptions {
  readonly store: TableStore
  readonly policy: RangePolicy
  /** Further properties of the ranges and the metarange; they enter all ids. Dumps name their records' schema here. */
  readonly properties?: TableProperties
  /** Whether a range is known to be in the store already, so that it need not be written again. */
  readonly isStored?: (rangeId: string) => boolean
}

/**
 * Assembles a tree out of records and whole ranges that come in ascending order, and stores what is new: each range as soon as the
 * policy ends it, the metarange last. At most `maxUploads` finished ranges are held beside the open one.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions
  readonly #ranges: (readonly [maxKey: Buffer, record: Buffer])[] = []
  readonly #uploads = new Set<Promise<void>>()
  #uploadBytes = 0
  #failure: { readonly cause: unknown } | null = null
  #open: TableWriter | null = null

  constructor(options: TreeWriterOptions) {
    this.#options = options
  }

  /**
   * Appends the record `key[keyStart..keyEnd)` → `value[valueStart..valueEnd)`, both copied. Answers a promise to wait for when it
   * ended a range and too many are being stored.
   */
  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): undefined | Promise<void> {
    this.#open ??= new TableWriter({ ...rangeProperties, ...this.#options.properties })
    this.#open.add(key, keyStart, keyEnd, value, valueStart, valueEnd)
    if (!endsRange(this.#options.policy, this.#open.estimatedSizeBytes, key, keyStart, keyEnd)) return undefined
    this.#endRange(this.#open)
    return this.#room()
  }

  /** Appends range `range` of `metaRange` as it is, unread. The open range ends before it. Answers as `add`. */
  addRange(metaRange: MetaRange, range: number): undefined | Promise<void> {
    const ends = this.#open
    if (ends !== null) this.#endRange(ends)
    this.#ranges.push([metaRange.range(range).maxKey, metaRange.record(range)])
    return ends === null ? undefined : this.#room()
  }

  /** Ends the tree: waits until all its ranges are stored, then stores the metarange. @throws what the store threw */
  async finish(): Promise<MetaRangeId> {
    if (this.#open !== null) this.#endRange(this.#open)
    await Promise.all(this.#uploads)
    if (this.#failure !== null) throw this.#failure.cause
    const writer = new TableWriter({ ...metaRangeProperties, ...this.#options.properties })
    for (const [key, record] of this.#ranges) writer.add(key, 0, key.length, record, 0, record.length)
    const { id, bytes } = writer.finish()
    await this.#options.store.write(id, bytes)
    return id as MetaRangeId
  }

  #endRange(writer: TableWriter): void {
    this.#open = null
    const table = writer.finish()
    this.#ranges.push([table.maxKey, encodeRange(table.id, table)])
    if (this.#options.isStored?.(table.id) === true) return
    const upload = this.#upload(table.id, table.bytes)
    this.#uploads.add(upload)
    upload.then(() => this.#uploads.delete(upload))
  }

  /** Never rejects: the first failure is kept for `finish` and the next wait. */
  async #upload(id: string, bytes: Buffer): Promise<void> {
    this.#uploadBytes += bytes.length
    try {
      await this.#options.store.write(id, bytes)
    } catch (cause) {
      this.#failure ??= { cause }
    }
    this.#uploadBytes -= bytes.length
  }

  /** What the caller must wait for before it goes on: it rejects once an upload failed, so it is made only for who awaits it. */
  #room(): undefined | Promise<void> {
    return this.#hasRoom() ? undefined : this.#waitForRoom()
  }

  #hasRoom(): boolean {
    return this.#failure === null && this.#uploads.size < maxUploads && this.#uploadBytes < maxUploadBytes
  }

  async #waitForRoom(): Promise<void> {
    while (!this.#hasRoom()) {
      if (this.#failure !== null) throw this.#failure.cause
      await Promise.race(this.#uploads)
    }
  }
}
