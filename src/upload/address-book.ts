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

  /**
   * The identifier of a new object, relative to its repository's namespace. One statement an hour, else no I/O. Callers that meet
   * at the turn of a partition open one each: on Workers one request must not wait for another's statement.
   * @throws database_unavailable when a new partition cannot be registered
   */
  async next(register: RegisterPartition): Promise<string> {
    const nowMs = Date.now()
    const nowSeconds = Math.floor(nowMs / 1000)
    let partition = this.#partition
    if (partition === undefined || partition.given >= MAX_IDS || nowMs - partition.bornMs >= MAX_AGE_MS) {
      partition = { id: partitionId(nowSeconds), bornMs: nowMs, given: 0 }
      await register(partition.id)
      this.#partition = partition
    }
    partition.given += 1
    return `data/${partition.id}/${objectId(nowSeconds)}`
  }
}
