/** A place in the cache's order of use. Alone, it is the ring that the places form. */
class Link {
  newer: Link = this
  older: Link = this
  sizeBytes = 0

  /** Called when the value is let go. */
  forget(): void {}
}

/** Memory that a cached value costs beside its bytes: its link, the map's slot, the value's own objects. */
const overheadBytes = 200

/**
 * One bounded memory for everything that is read from tables and cannot change: blocks, indexes, metaranges. Shared by the process.
 * What was used least recently goes first, whichever shelf it stands on.
 */
export class BlockCache {
  readonly #maxBytes: number
  readonly #sharesLoads: boolean
  #sizeBytes = 0
  /** A ring: `newer` of it is the oldest value, `older` the newest. */
  readonly #ring = new Link()

  /**
   * @param maxBytes bound on the bytes held, overhead included
   * @param options `sharesLoads` false: whoever misses loads alone. For Workers, where the I/O that one request waits for ends, without
   *   an answer, with another request that began it.
   */
  constructor(maxBytes: number, options: { readonly sharesLoads?: boolean } = {}) {
    this.#maxBytes = maxBytes
    this.#sharesLoads = options.sharesLoads ?? true
  }

  /** Bytes held now. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** A new, empty shelf of this cache. */
  shelf<Slot, Value>(): Shelf<Slot, Value> {
    return new Shelf<Slot, Value>(this, this.#sharesLoads)
  }

  /** Takes in a new value as the newest and makes room for it. For shelves. */
  enter(link: Link): void {
    link.sizeBytes += overheadBytes
    this.#sizeBytes += link.sizeBytes
    this.#link(link)
    while (this.#sizeBytes > this.#maxBytes && this.#ring.newer !== this.#ring) {
      const oldest = this.#ring.newer
      this.#unlink(oldest)
      this.#sizeBytes -= oldest.sizeBytes
      oldest.forget()
    }
  }

  /** Makes a value the newest. For shelves. */
  touch(link: Link): void {
    if (this.#ring.older === link) return
    this.#unlink(link)
    this.#link(link)
  }

  #link(link: Link): void {
    link.older = this.#ring.older
    link.newer = this.#ring
    link.older.newer = link
    this.#ring.older = link
  }

  #unlink(link: Link): void {
    link.older.newer = link.newer
    link.newer.older = link.older
  }
}

/** What a load answers: the value and the bytes it holds. */
export interface Loaded<Value> {
  readonly value: Value
  readonly sizeBytes: number
}

class CachedValue<Slot, Value> extends Link {
  readonly value: Value
  readonly #slot: Slot
  readonly #values: Map<Slot, CachedValue<Slot, Value>>

  constructor(values: Map<Slot, CachedValue<Slot, Value>>, slot: Slot, value: Value, sizeBytes: number) {
    super()
    this.value = value
    this.sizeBytes = sizeBytes
    this.#slot = slot
    this.#values = values
  }

  override forget(): void {
    this.#values.delete(this.#slot)
  }
}

/** Values of one kind in a `BlockCache`, by slot: a table's blocks by number, tables by name. */
export class Shelf<Slot, Value> {
  readonly #cache: BlockCache
  readonly #values = new Map<Slot, CachedValue<Slot, Value>>()
  /** Loads under way, for who asks meanwhile; null where loads are not shared. */
  readonly #loading: Map<Slot, Promise<Value>> | null

  constructor(cache: BlockCache, sharesLoads: boolean) {
    this.#cache = cache
    this.#loading = sharesLoads ? new Map() : null
  }

  /** The value if it is held; counts as a use. */
  get(slot: Slot): Value | undefined {
    const cached = this.#values.get(slot)
    if (cached === undefined) return undefined
    this.#cache.touch(cached)
    return cached.value
  }

  /** Holds a value from now on, unless one is already held. Larger than the whole cache, it is let go at once. */
  put(slot: Slot, value: Value, sizeBytes: number): void {
    if (this.#values.has(slot)) return
    const cached = new CachedValue(this.#values, slot, value, sizeBytes)
    this.#values.set(slot, cached)
    this.#cache.enter(cached)
  }

  /** The value, loaded once for all who ask meanwhile where loads are shared. A failed load is not remembered. */
  load(slot: Slot, loader: () => Promise<Loaded<Value>>): Value | Promise<Value> {
    return this.get(slot) ?? this.#loading?.get(slot) ?? this.#start(slot, loader)
  }

  async #start(slot: Slot, loader: () => Promise<Loaded<Value>>): Promise<Value> {
    const loading = loader().then(({ value, sizeBytes }) => {
      this.put(slot, value, sizeBytes)
      return value
    })
    if (this.#loading === null) return loading
    this.#loading.set(slot, loading)
    try {
      return await loading
    } finally {
      this.#loading.delete(slot)
    }
  }
}
