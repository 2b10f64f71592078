import { expect, test } from 'vitest'
import { createTurns, type Turn } from '../../src/catalog/turns.ts'

/** A turn that lasts until it is told to end. */
function held() {
  let begin: (turn: Turn) => void = () => undefined
  let end: () => void = () => undefined
  const begun = new Promise<Turn>((resolve) => {
    begin = resolve
  })
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return {
    begun,
    end: () => end(),
    work: (turn: Turn) => {
      begin(turn)
      return ended
    },
  }
}

test('turns of one key come one after the other, also after one that failed; other keys do not wait', async () => {
  const turns = createTurns()
  const first = held()
  const log: string[] = []
  const failing = turns
    .take('a', first.work)
    .then(() => turns.take('a', () => Promise.reject(new Error('expected'))))
    .catch(() => log.push('failed'))
  const second = turns.take('a', async () => log.push('second'))
  await turns.take('b', async () => log.push('other'))
  expect(log).toEqual(['other'])
  first.end()
  await Promise.all([failing, second])
  await turns.take('a', async () => log.push('after'))
  expect(log).toEqual(['other', 'second', 'failed', 'after'])
})

test('a turn serves those who had come when it began, and a served one nobody', async () => {
  const turns = createTurns()
  const [first, second, third, fourth] = [held(), held(), held(), held()]
  const all = [turns.take('a', first.work)]
  const { serve } = await first.begun
  // They come after the first turn has begun: it does nothing for them.
  all.push(turns.take('a', second.work), turns.take('a', third.work))
  serve()
  first.end()
  const turn = await second.begun
  expect(turn.served).toBe(false)
  all.push(turns.take('a', fourth.work))
  turn.serve()
  second.end()
  const waited = await third.begun
  expect(waited.served).toBe(true)
  waited.serve()
  third.end()
  expect((await fourth.begun).served).toBe(false)
  fourth.end()
  await Promise.all(all)
})

test('who comes to an empty line is not served by those of before', async () => {
  const turns = createTurns()
  await turns.take('a', async (turn) => turn.serve())
  expect(await turns.take('a', async ({ served }) => served)).toBe(false)
})
