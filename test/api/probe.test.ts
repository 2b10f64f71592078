import { expect, test } from 'vitest'
import { createProbe } from '../../src/api/probe.ts'

test('one question at a time; meanwhile, and as long as it is fresh, the last answer', async () => {
  let asked = 0
  let answer: (value: number) => void = () => undefined
  const probe = createProbe(
    () => {
      asked++
      return new Promise<number>((resolve) => {
        answer = resolve
      })
    },
    { keepMs: 0, patienceMs: 60_000 },
  )
  const first = probe()
  answer(1)
  expect(await first).toBe(1)
  const second = probe()
  expect(await probe()).toBe(1)
  expect(await probe()).toBe(1)
  expect(asked).toBe(2)
  answer(2)
  expect(await second).toBe(2)
  const third = probe()
  expect(asked).toBe(3)
  answer(3)
  expect(await third).toBe(3)
  const keeping = createProbe(async () => ++asked, { keepMs: 60_000, patienceMs: 60_000 })
  expect([await keeping(), await keeping()]).toEqual([4, 4])
})
