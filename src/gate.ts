/** How many may be inside at once, how many may wait for it, and for how long. Nothing here knows what they do there. */

export interface GateLimits {
  /** At once; 0: any number. */
  readonly maxRunning: number
  /** Beyond those; in the order they came. */
  readonly maxWaiting: number
  readonly maxWaitMs: number
}

interface Waiter {
  readonly admit: () => void
  readonly timer: NodeJS.Timeout
}

export class Gate {
  readonly #limits: GateLimits
  readonly #refuse: (reason: string) => Error
  readonly #waiters = new Set<Waiter>()
  #running = 0

  /** @param refuse makes what a caller gets who is not let in */
  constructor(limits: GateLimits, refuse: (reason: string) => Error) {
    this.#limits = limits
    this.#refuse = refuse
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Lets the caller in, who must `leave`: at once (and then synchronously), or when it is its turn.
   *
   * @throws what `refuse` makes, synchronously or later: too many wait, or this one did for too long
   */
  enter(): void | Promise<void> {
    const { maxRunning, maxWaiting, maxWaitMs } = this.#limits
    if (maxRunning === 0 || this.#running < maxRunning) {
      this.#running++
      return
    }
    if (this.#waiters.size >= maxWaiting) {
      throw this.#refuse(`${maxRunning} requests are under way and ${this.#waiters.size} wait`)
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        admit: resolve,
        timer: setTimeout(() => {
          this.#waiters.delete(waiter)
          reject(this.#refuse(`no turn came within ${maxWaitMs} ms, ${maxRunning} requests are under way`))
        }, maxWaitMs),
      }
      this.#waiters.add(waiter)
    })
  }

  /** Ends one stay; the longest waiter takes the place. */
  leave(): void {
    const [next] = this.#waiters
    if (next === undefined) {
      this.#running--
      return
    }
    this.#waiters.delete(next)
    clearTimeout(next.timer)
    next.admit()
  }
}
