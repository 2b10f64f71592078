import type { Buffer } from 'node:buffer'
import { DomainError } from '../errors.ts'
import type { MetaRangeId } from '../model.ts'
import { type Block, decodeBlock } from '../sstable/block.ts'
import { BlockCursor } from '../sstable/block-cursor.ts'
import { blockTrailerBytes } from '../sstable/footer.ts'
import type { TableIndex } from '../sstable/table-index.ts'
import { type FileTail, parseTable, type TableLayout } from '../sstable/table-layout.ts'
import type { BlockCache, Loaded, Shelf } from './block-cache.ts'
import { emptyMetaRange, MetaRange } from './meta-range.ts'
import { emptyMetaRangeId } from './table-kinds.ts'
import type { TableStore } from './table-store.ts'

/** Tails at least so long: footer, properties and the index of ranges up to some megabytes; files up to this size come whole. */
const minTailBytes = 64 * 1024
const maxTailBytes = 1024 * 1024
/** An index takes about 2 % of a range's file; a tail of this fraction of the estimated size nearly always holds it. */
const tailFraction = 1 / 24

/** A range whose index is at hand. */
export interface Table {
  readonly id: string
  readonly index: TableIndex
  /** The whole file, when it is so small that its end was all of it. */
  readonly whole: Uint8Array | null
  readonly blocks: Shelf<number, Block>
}

/** Stored bytes of neighbouring blocks, from file offset `start` on. */
export interface Run {
  readonly bytes: Uint8Array
  readonly start: number
}

interface Shelves {
  readonly tables: Shelf<string, Table>
  readonly metaRanges: Shelf<string, MetaRange>
}

/** Shelves by cache: readers are made per request, what they read outlives them. */
const shelvesOf = new WeakMap<BlockCache, Shelves>()

/**
 * Reads tables of one store through the process's cache. Answers at once what is cached, a promise otherwise. Every failure names
 * the table.
 */
export class TableReader {
  readonly store: TableStore
  readonly #cache: BlockCache
  readonly #shelves: Shelves

  constructor(store: TableStore, cache: BlockCache) {
    this.store = store
    this.#cache = cache
    let shelves = shelvesOf.get(cache)
    if (shelves === undefined) {
      shelves = { tables: cache.shelf(), metaRanges: cache.shelf() }
      shelvesOf.set(cache, shelves)
    }
    this.#shelves = shelves
  }

  /** A metarange, read whole. `""` and lakeFS's empty metarange need no file. @throws storage_not_found, corrupt, storage_* */
  metaRange(id: MetaRangeId): MetaRange | Promise<MetaRange> {
    if (id === '') return emptyMetaRange
    if (id === emptyMetaRangeId) return noRanges
    return this.#shelves.metaRanges.load(this.#name(id), () => this.#loadMetaRange(id))
  }

  /** A range's index. `estimatedSizeBytes` (from the metarange) tells how much of its end to fetch. @throws as `metaRange` */
  table(id: string, estimatedSizeBytes: number): Table | Promise<Table> {
    return this.#shelves.tables.load(this.#name(id), () => this.#loadTable(id, estimatedSizeBytes))
  }

  /** One data block, read alone unless it is at hand. @throws as `metaRange` */
  block(table: Table, at: number): Block | Promise<Block> {
    if (table.whole === null) return table.blocks.load(at, () => this.#loadBlock(table, at))
    return table.blocks.get(at) ?? this.blockFrom(table, at, { bytes: table.whole, start: 0 })
  }

  /** Decodes block `at` out of a run that holds it, and caches it. @throws corrupt */
  blockFrom(table: Table, at: number, run: Run): Block {
    const block = named(table.id, () =>
      decodeBlock(run.bytes, table.index.offset(at) - run.start, table.index.length(at)),
    )
    table.blocks.put(at, block, block.payload.length)
    return block
  }

  /** Stored bytes of block `at` and the following ones, up to about `bytes` but at least that block. @throws as `metaRange` */
  async run(table: Table, at: number, bytes: number): Promise<Run> {
    const start = table.index.offset(at)
    let last = at
    while (last + 1 < table.index.count && blockEnd(table, last + 1) - start <= bytes) last++
    return { bytes: await this.store.read(table.id, start, blockEnd(table, last)), start }
  }

  async #loadBlock(table: Table, at: number): Promise<Loaded<Block>> {
    const start = table.index.offset(at)
    const bytes = await this.store.read(table.id, start, blockEnd(table, at))
    const value = named(table.id, () => decodeBlock(bytes, 0, table.index.length(at)))
    return { value, sizeBytes: value.payload.length }
  }

  async #loadTable(id: string, estimatedSizeBytes: number): Promise<Loaded<Table>> {
    const tailBytes = Math.min(maxTailBytes, Math.max(minTailBytes, Math.ceil(estimatedSizeBytes * tailFraction)))
    const { layout, tail } = await this.#open(id, tailBytes)
    const whole = tail.start === 0 ? tail.bytes : null
    const value = { id, index: layout.index, whole, blocks: this.#cache.shelf<number, Block>() }
    return { value, sizeBytes: layout.index.sizeBytes + (whole?.length ?? 0) }
  }

  async #loadMetaRange(id: MetaRangeId): Promise<Loaded<MetaRange>> {
    let { layout, tail } = await this.#open(id, minTailBytes)
    const type = layout.properties.get('type')?.toString()
    if (type !== undefined && type !== 'metaranges') {
      throw new DomainError('storage_not_found', `cannot read metarange "${id}": the table of that id holds ${type}`)
    }
    if (tail.start > 0) tail = await this.#extend(id, tail, 0)
    const value = named(id, () => new MetaRange(id, allRecords(tail, layout)))
    return { value, sizeBytes: value.sizeBytes }
  }

  async #open(id: string, tailBytes: number): Promise<{ layout: TableLayout; tail: FileTail }> {
    const { bytes, totalBytes } = await this.store.readTail(id, tailBytes)
    let tail: FileTail = { bytes, start: totalBytes - bytes.length }
    for (;;) {
      const parsed = named(id, () => parseTable(tail))
      if (!('needFrom' in parsed)) return { layout: parsed, tail }
      tail = await this.#extend(id, tail, parsed.needFrom)
    }
  }

  async #extend(id: string, tail: FileTail, start: number): Promise<FileTail> {
    const before = await this.store.read(id, start, tail.start)
    const bytes = new Uint8Array(before.length + tail.bytes.length)
    bytes.set(before)
    bytes.set(tail.bytes, before.length)
    return { bytes, start }
  }

  #name(id: string): string {
    return `${this.store.space}\n${id}`
  }
}

const noRanges = new MetaRange(emptyMetaRangeId, [])

function blockEnd(table: Table, at: number): number {
  return table.index.offset(at) + table.index.length(at) + blockTrailerBytes
}

function allRecords(file: FileTail, layout: TableLayout): (readonly [Buffer, Buffer])[] {
  const records: (readonly [Buffer, Buffer])[] = []
  const cursor = new BlockCursor(8)
  for (let at = 0; at < layout.index.count; at++) {
    cursor.reset(decodeBlock(file.bytes, layout.index.offset(at), layout.index.length(at)))
    while (cursor.next()) records.push([cursor.copyKey(), cursor.value()])
  }
  return records
}

/** Does `work`, naming the table in its failure. */
function named<Result>(id: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    throw new DomainError(error.code, error.message.replace(/^cannot read table:/, `cannot read table "${id}":`), {
      cause: error,
    })
  }
}
