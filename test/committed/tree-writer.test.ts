import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RangePolicy } from '../../src/committed/range-policy.ts'
import { TreeWriter } from '../../src/committed/tree-writer.ts'
import { memoryTableStore } from '../support/memory-table-store.ts'

/** A few records make a range, so most trees end with an open one. */
const policy: RangePolicy = { minRangeSizeBytes: 0, maxRangeSizeBytes: 60, rangeRaggednessEntries: 1e6 }

const unheard: unknown[] = []
const note = (reason: unknown) => unheard.push(reason)
beforeEach(() => {
  unheard.length = 0
  process.on('unhandledRejection', note)
})
afterEach(() => {
  process.off('unhandledRejection', note)
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Every write takes `turns` of the event loop; number `failing` (from 1) fails after `failureTurns`. */
function failingStore(failing: number, turns: number, failureTurns: number) {
  const store = memoryTableStore()
  let writes = 0
  return {
    ...store,
    async write(id: string, bytes: Uint8Array) {
      const fails = ++writes === failing
      for (let turn = fails ? failureTurns : turns; turn > 0; turn--) await nextTurn()
      if (fails) throw new Error('the disk is full')
      await store.write(id, bytes)
    },
  }
}

async function writeRecords(writer: TreeWriter, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const key = Buffer.from(`k${1000 + n}`)
    const value = Buffer.from([4, 97, 97, 4, 98, n])
    await writer.add(key, 0, key.length, value, 0, value.length)
  }
}

/** Records of one range, found by writing. */
async function recordsPerRange(): Promise<number> {
  for (let count = 1; ; count++) {
    const store = memoryTableStore()
    const writer = new TreeWriter({ store, policy })
    await writeRecords(writer, count)
    await nextTurn()
    if (store.written.length > 0) return count
  }
}

const cases = [1, 2, 3, 4, 5, 7].flatMap((failing) =>
  [0, 1, 4].flatMap((turns) => [0, 1, 6].map((failureTurns) => ({ failing, turns, failureTurns }))),
)

test.each(cases)(
  'write $failing fails after $failureTurns turns, others take $turns: the writer tells, and no rejection goes unheard',
  async (run) => {
    const perRange = await recordsPerRange()
    expect(perRange).toBeGreaterThan(1)
    for (let ranges = run.failing; ranges < run.failing + 4; ranges++) {
      // The last range is open when the tree ends, and full when it ends.
      for (const count of [perRange * (ranges - 1) + 1, perRange * ranges]) {
        const writer = new TreeWriter({ store: failingStore(run.failing, run.turns, run.failureTurns), policy })
        await expect(writeRecords(writer, count).then(() => writer.finish())).rejects.toThrow('the disk is full')
        for (let turn = 0; turn < 8; turn++) await nextTurn()
        expect(unheard).toEqual([])
      }
    }
  },
)
