/**
 * Gives out the addresses of new objects. A partition has a row in the database before it has bytes: these rows are the roots that
 * garbage collection needs to tell an upload under way from an orphan.
 */
import { objectId, partitionId } from './object-id.ts'

/** lakeFS replaces a partition after this many ids or this age, whichever comes first. */
const MAX_IDS = 50_000
const MAX_AGE_MS = 3_600_000

/** Remembers a partition durably; answers when it is remembered. */
export type RegisterPartition = (partition: string) => Promise<void>

export class AddressBook {
  #partition: { readonly id: string; readonly bornMs: number; given: number } | undefined
  #opening: Promise<void> | undefined

  /**
   * The identifier of a new object, relative to its repository's namespace. One statement an hour, else no I/O.
   * @throws database_unavailable when a new partition cannot be registered
   */
  async next(register: RegisterPartition): Promise<string> {
    for (;;) {
      const nowMs = Date.now()
      const partition = this.#partition
      if (partition !== undefined && partition.given < MAX_IDS && nowMs - partition.bornMs < MAX_AGE_MS) {
        partition.given += 1
        return `data/${partition.id}/${objectId(Math.floor(nowMs / 1000))}`
      }
      this.#opening ??= this.#open(nowMs, register).finally(() => {
        this.#opening = undefined
      })
      await this.#opening
    }
  }

  async #open(nowMs: number, register: RegisterPartition): Promise<void> {
    const id = partitionId(Math.floor(nowMs / 1000))
    await register(id)
    this.#partition = { id, bornMs: nowMs, given: 0 }
  }
}
