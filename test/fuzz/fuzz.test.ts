/**
 * Bad input of every kind, to every operation of the contract: nothing a client sends makes the server fail, hang, lose data or
 * leave a bad value unnamed. A run is repeated by `INTERLAKEN_FUZZ_SEED`, one case of it by that and `INTERLAKEN_FUZZ_OPERATION`, as
 * a failure prints them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { operations } from './operations.ts'
import { replay, run } from './run.ts'
import { createWorld, type World } from './world.ts'

const given = process.env.INTERLAKEN_FUZZ_SEED
const only = process.env.INTERLAKEN_FUZZ_OPERATION
const TOTAL = 100_000
const COUNT = Number(process.env.INTERLAKEN_FUZZ_COUNT ?? TOTAL / 4)
const PATIENCE_MS = 30 * 60_000
/** Bodies of 10 MB are read whole, several at a time. */
const MAX_MEMORY_MIB = 2048

const hosts = [
  ['bun', 'embedded'],
  ['bun', 'postgres'],
  ['node', 'embedded'],
  ['node', 'postgres'],
] as const
let total = 0

describe.each(hosts)('bad input to %s with the %s database', (runtime, database) => {
  let server: RunningServer
  let world: World
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interlaken-fuzz-'))
    server = await startServer({
      runtime,
      ...(database === 'embedded' ? {} : { databaseUrl: await createDatabase() }),
      stores: [
        { id: 'disk', type: 'local', backward_compatible: true, local: { path: join(folder, 'disk'), fsync: false } },
        { id: 'memory', type: 'mem' },
      ],
    })
    world = await createWorld(server)
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
    if (database === 'postgres') await stopPostgres()
  })

  it.runIf(only !== undefined)('the one case', async () => {
    const operation = operations.find(({ id }) => id === only)
    if (operation === undefined) throw new Error(`the contract has no operation "${only}"`)
    const { told, outcome, problem } = await replay(server, world, operation, Number(given))
    const answer = outcome.kind === 'answer' ? `${outcome.answer.status} ${outcome.answer.body}` : outcome.kind
    process.stdout.write(`fuzz: ${told}\n  ${answer.slice(0, 2000)}\n`)
    expect(problem).toBeNull()
  })

  it.runIf(only === undefined)(
    'is refused clearly, and breaks nothing',
    async () => {
      const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
      process.stdout.write(
        `fuzz: ${COUNT} requests to ${runtime}, ${database} database, INTERLAKEN_FUZZ_SEED=${seed}\n`,
      )
      const { sent, statuses, faults, peakMemoryMiB } = await run(server, world, seed, COUNT)
      total += sent
      process.stdout.write(
        `fuzz: ${sent} answers ${JSON.stringify(statuses)}, at most ${Math.round(peakMemoryMiB)} MiB; ${total} requests so far\n`,
      )
      expect(faults.join('\n\n')).toBe('')
      expect(sent).toBe(COUNT)
      expect(server.output()).not.toMatch(/request failed|cleaning up failed|unhandled|uncaught/i)
      expect(peakMemoryMiB).toBeLessThan(MAX_MEMORY_MIB)
    },
    PATIENCE_MS,
  )
})

it.runIf(only === undefined && COUNT * hosts.length >= TOTAL)('came a hundred thousand times', () => {
  expect(total).toBeGreaterThanOrEqual(TOTAL)
})
