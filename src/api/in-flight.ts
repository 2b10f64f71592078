/** How many requests a server works on at once. */
import { DomainError } from '../errors.ts'

export class InFlight {
  readonly #limit: number
  #running = 0

  /** @param limit 0: any number */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Requests that are not answered yet. */
  get running(): number {
    return this.#running
  }

  /** Counts a request in, which must be counted out again. @throws overloaded */
  enter(): void {
    if (this.#limit !== 0 && this.#running >= this.#limit) {
      throw new DomainError('overloaded', `cannot serve request: ${this.#running} are under way here; try again later`)
    }
    this.#running++
  }

  leave(): void {
    this.#running--
  }
}
