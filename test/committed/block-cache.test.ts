import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockCache } from '../../src/committed/block-cache.ts'

test('never holds more than its bound, and lets go what was used least recently', () => {
  const overhead = 200
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9), fc.nat(400)), { maxLength: 200 }), (steps) => {
      const cache = new BlockCache(2000)
      const shelves = [cache.shelf<number, number>(), cache.shelf<number, number>()] as const
      /** The naive model, oldest first. */
      let held: { slot: number; size: number }[] = []
      for (const [put, slot, size] of steps) {
        const shelf = shelves[slot % 2] ?? shelves[0]
        const known = held.find((value) => value.slot === slot)
        if (!put) {
          expect(shelf.get(slot)).toBe(known?.size)
          if (known !== undefined) held = [...held.filter((value) => value !== known), known]
        } else {
          shelf.put(slot, size, size)
          if (known === undefined) held.push({ slot, size })
        }
        while (held.reduce((sum, value) => sum + value.size + overhead, 0) > 2000) held.shift()
        expect(cache.sizeBytes).toBe(held.reduce((sum, value) => sum + value.size + overhead, 0))
        expect(cache.sizeBytes).toBeLessThanOrEqual(2000)
      }
    }),
  )
})

test('a load is shared by all who ask meanwhile, a failed one is forgotten', async () => {
  const shelf = new BlockCache(10_000).shelf<string, object>()
  let loads = 0
  const value = {}
  const load = async () => {
    loads++
    await Promise.resolve()
    if (loads === 1) throw new Error('unreachable')
    return { value, sizeBytes: 10 }
  }
  const failed = [shelf.load('a', load), shelf.load('a', load)]
  for (const outcome of await Promise.allSettled(failed)) expect(outcome.status).toBe('rejected')
  expect(loads).toBe(1)
  expect(await Promise.all([shelf.load('a', load), shelf.load('a', load)])).toEqual([value, value])
  expect(loads).toBe(2)
  expect(shelf.load('a', load)).toBe(value)
  expect(loads).toBe(2)
})

test('where loads are not shared, whoever misses loads alone, and one that never ends holds up nobody', async () => {
  const shelf = new BlockCache(10_000, { sharesLoads: false }).shelf<string, string>()
  const abandoned = shelf.load('a', () => new Promise(() => undefined))
  expect(abandoned).toBeInstanceOf(Promise)
  expect(await shelf.load('a', async () => ({ value: 'mine', sizeBytes: 10 }))).toBe('mine')
  expect(shelf.load('a', () => Promise.reject(new Error('not needed')))).toBe('mine')
})
