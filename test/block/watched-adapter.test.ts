/** The gate, and that a watched adapter is as good as the one inside it. */
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemAdapter } from '../../adapters/mem.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import { storageGate } from '../../src/block/gate.ts'
import { watchAdapter } from '../../src/block/watched-adapter.ts'
import type { GateLimits } from '../../src/gate.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { memDefinition } from '../support/definitions.ts'
import { describeAdapter, ODD_KEYS } from './adapter-contract.ts'

const namespace = 'mem://bucket' as StorageNamespace
const narrow: GateLimits = { maxRunning: 1, maxWaiting: 1, maxWaitMs: 60_000 }

function watched(adapter: BlockAdapter, limits: GateLimits) {
  const seen: [string, string][] = []
  const bytes = { sent: 0, received: 0 }
  let use = () => ({ running: -1, waiting: -1 })
  const outside = watchAdapter(adapter, memDefinition('lake'), {
    limits,
    maxStreamed: limits.maxRunning,
    watch: (_, ask) => {
      use = ask
      return {
        observe: (operation, outcome) => seen.push([operation, outcome]),
        transferred(sent, received) {
          bytes.sent += sent
          bytes.received += received
        },
      }
    },
  })
  return { adapter: outside, seen, bytes, use: () => use() }
}

describeAdapter('mem, watched, one request at a time', async () => {
  const inside = createMemAdapter(memDefinition())
  const { adapter, use } = watched(inside, { maxRunning: 1, maxWaiting: 100, maxWaitMs: 60_000 })
  return {
    adapter,
    namespace: 'mem://bucket/some/prefix' as StorageNamespace,
    oddKeys: ODD_KEYS,
    refusedKeys: [],
    nests: true,
    minimumPartBytes: 1000,
    multiPartStreamBytes: 2_000_000,
    fetch,
    async close() {
      expect(use()).toEqual({ running: 0, waiting: 0 })
      await adapter.close()
    },
  }
})

describe('a watched adapter', () => {
  test('tells operations, outcomes and bytes', async () => {
    const { adapter, seen, bytes } = watched(createMemAdapter(memDefinition()), narrow)
    const at = adapter.locate(namespace, 'a')
    await adapter.put(at, new Uint8Array(1000))
    await adapter.get(at, { start: 0, end: 10 })
    await adapter.getTail(at, 5)
    await expect(adapter.properties(adapter.locate(namespace, 'b'))).rejects.toThrow()
    expect(seen).toEqual([
      ['put', 'ok'],
      ['get', 'ok'],
      ['getTail', 'ok'],
      ['properties', 'storage_not_found'],
    ])
    expect(bytes).toEqual({ sent: 1000, received: 15 })
  })

  test('refuses by name what is too much, lets the next one in, and answers pings all the while', async () => {
    const inside = createMemAdapter(memDefinition())
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = watched({ ...inside, exists: (location) => held.then(() => inside.exists(location)) }, narrow)
    const { adapter } = slow
    const at = adapter.locate(namespace, 'a')
    const running = adapter.exists(at)
    const waiting = adapter.exists(at)
    await sleep(0)
    expect(slow.use()).toEqual({ running: 1, waiting: 1 })
    const refusal = { code: 'overloaded', message: expect.stringContaining('storage "lake" (mem)') }
    await expect(adapter.put(at, new Uint8Array(1))).rejects.toMatchObject(refusal)
    expect(await adapter.removeMany([at, at])).toMatchObject([{ error: refusal }, { error: refusal }])
    await adapter.ping()
    release()
    expect(await Promise.all([running, waiting])).toEqual([false, false])
    expect(slow.use()).toEqual({ running: 0, waiting: 0 })
    await adapter.put(at, new Uint8Array(1))
    expect(slow.seen).toContainEqual(['put', 'overloaded'])
  })

  test('lets nobody wait for bodies that stream at the pace of their senders, nor for more of them than it may', async () => {
    const { adapter, use, seen } = watched(createMemAdapter(memDefinition()), narrow)
    let finish: () => void = () => undefined
    const slow = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.from('first'))
          const before = finish
          finish = () => {
            before()
            controller.close()
          }
        },
      })
    const [a, b] = [adapter.locate(namespace, 'a'), adapter.locate(namespace, 'b')]
    const puts = [
      adapter.put(a, { stream: slow(), sizeBytes: null }),
      adapter.put(a, { stream: slow(), sizeBytes: null }),
    ]
    await sleep(0)
    expect(use()).toEqual({ running: 1, waiting: 1 })
    await adapter.put(b, Buffer.from('small'))
    expect((await adapter.getTail(b, 5)).bytes.toString()).toBe('small')
    const { uploadId } = await adapter.createMultipart(a)
    await expect(adapter.putPart(a, uploadId, 1, { stream: slow(), sizeBytes: null })).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringContaining('storage "lake" (mem) for streamed bodies'),
    })
    finish()
    await Promise.all(puts)
    expect(use()).toEqual({ running: 0, waiting: 0 })
    expect(seen.filter(([, outcome]) => outcome === 'ok')).toHaveLength(5)
  })

  test('gives up waiting after its time, and the place in the queue with it', async () => {
    const gate = storageGate('it', { maxRunning: 1, maxWaiting: 1, maxWaitMs: 5 })
    gate.enter()
    await expect(gate.enter()).rejects.toMatchObject({ code: 'overloaded', message: /it: no turn came within 5 ms/ })
    expect(gate.waiting).toBe(0)
    gate.leave()
    expect(gate.running).toBe(0)
    expect(gate.enter()).toBeUndefined()
  })
})

test('a gate never lets in more than it may, and everybody in the order they came', async () => {
  const seed = Date.now()
  console.log(`seed ${seed}`)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      async (maxRunning, maxWaiting, steps) => {
        const gate = storageGate('it', { maxRunning, maxWaiting, maxWaitMs: 60_000 })
        const admitted: number[] = []
        const expected: number[] = []
        const queue: number[] = []
        let running = 0
        for (const [name, isEnter] of steps.entries()) {
          if (isEnter && running < maxRunning) {
            running++
            expect(gate.enter()).toBeUndefined()
          } else if (isEnter && queue.length >= maxWaiting) {
            expect(() => gate.enter()).toThrow('cannot use it')
          } else if (isEnter) {
            queue.push(name)
            void Promise.resolve(gate.enter()).then(() => admitted.push(name))
          } else if (running > 0) {
            gate.leave()
            const next = queue.shift()
            if (next === undefined) running--
            else expected.push(next)
          }
          await Promise.resolve()
          await Promise.resolve()
          await Promise.resolve()
          expect({ running: gate.running, waiting: gate.waiting, admitted }).toEqual({
            running,
            waiting: queue.length,
            admitted: expected,
          })
        }
        // Nothing is left that would keep the process.
        while (gate.running > 0) gate.leave()
      },
    ),
    { seed },
  )
})
