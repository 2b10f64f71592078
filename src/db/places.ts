/** Who may use a pool's connections, where the pool itself lets everybody wait without end. */
import { ConnectFailure } from './failures.ts'

interface Waiter {
  readonly admit: () => void
  readonly timer: NodeJS.Timeout
}

export class Places {
  readonly #maxBusy: number
  readonly #maxWaitMs: number
  readonly #waiters = new Set<Waiter>()
  #busy = 0

  constructor(maxBusy: number, maxWaitMs: number) {
    this.#maxBusy = maxBusy
    this.#maxWaitMs = maxWaitMs
  }

  get busy(): number {
    return this.#busy
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * A place, at once (then synchronously) or in the order of arrival, which must be given back by `leave`.
   *
   * @throws ConnectFailure when none becomes free in time
   */
  take(): void | Promise<void> {
    if (this.#busy < this.#maxBusy) {
      this.#busy++
      return
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        admit: resolve,
        timer: setTimeout(() => {
          this.#waiters.delete(waiter)
          reject(new ConnectFailure(new Error(`no connection became free within ${this.#maxWaitMs} ms`)))
        }, this.#maxWaitMs),
      }
      this.#waiters.add(waiter)
    })
  }

  /** Gives a place back: to whoever has waited longest. */
  leave(): void {
    const [next] = this.#waiters
    if (next === undefined) {
      this.#busy--
      return
    }
    this.#waiters.delete(next)
    clearTimeout(next.timer)
    next.admit()
  }
}
