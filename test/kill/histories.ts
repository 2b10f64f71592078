/**
 * What a client knows about the paths it wrote: every write with the moments at which it was sent and acknowledged, and which of them
 * a reader may find. The naive model of the kill tests.
 */

/** What is at a path; null: nothing. */
export type Value = { readonly md5: string; readonly sizeBytes: number } | null

interface Write {
  readonly value: Value
  readonly sentAt: number
  /** Infinity while nobody has acknowledged it: it may happen at any time, or never. */
  acknowledgedAt: number
}

/** A time between two moments of the model's clock. */
export interface Interval {
  readonly from: number
  readonly to: number
}

export class Histories {
  readonly #writes = new Map<string, Write[]>()
  #clock = 0

  /** The model's clock: every call is a later moment. */
  tick(): number {
    return ++this.#clock
  }

  /** A write is on its way; call the answer when it was acknowledged. */
  send(path: string, value: Value): () => void {
    const write: Write = { value, sentAt: this.tick(), acknowledgedAt: Number.POSITIVE_INFINITY }
    this.#of(path).push(write)
    return () => {
      write.acknowledgedAt = this.tick()
    }
  }

  get paths(): string[] {
    return [...this.#writes.keys()]
  }

  /**
   * Whether a reader who looked within `interval` may have found `value`: some write of it had begun, and no acknowledged one lies
   * wholly between it and the look.
   */
  allows(path: string, value: Value, interval: Interval): boolean {
    const writes = this.#of(path)
    return writes.some(
      (write) =>
        isSame(write.value, value) &&
        write.sentAt < interval.to &&
        !writes.some((later) => later.sentAt > write.acknowledgedAt && later.acknowledgedAt < interval.from),
    )
  }

  /** What was found after everything had come to rest: nothing older can come back. */
  settle(path: string, value: Value): void {
    const now = this.tick()
    this.#writes.set(path, [{ value, sentAt: now, acknowledgedAt: now }])
  }

  /** For messages. */
  describe(path: string): string {
    return this.#of(path)
      .map(({ value, sentAt, acknowledgedAt }) => `${value?.md5 ?? 'deleted'} [${sentAt}, ${acknowledgedAt}]`)
      .join('; ')
  }

  #of(path: string): Write[] {
    let writes = this.#writes.get(path)
    if (writes === undefined) {
      // Before everything: nothing there.
      writes = [{ value: null, sentAt: 0, acknowledgedAt: 0 }]
      this.#writes.set(path, writes)
    }
    return writes
  }
}

function isSame(left: Value, right: Value): boolean {
  return left?.md5 === right?.md5 && left?.sizeBytes === right?.sizeBytes
}
