/** Sends cases to a server, many at a time, and gathers what went wrong. */
import { readFileSync } from 'node:fs'
import type { RunningServer } from '../support/server.ts'
import { type Draft, render } from './draft.ts'
import { goodRequest } from './good.ts'
import { mutations } from './mutations.ts'
import { type Operation, operations } from './operations.ts'
import { caseSeed, createRandom } from './random.ts'
import { problemOf, retold, UNNAMED } from './verdict.ts'
import { type Outcome, Wire } from './wire.ts'
import type { World } from './world.ts'

const CONNECTIONS = 32
/** Requests after which the untouched repository is looked at again. */
const CHECK_EVERY = 5000
const MAX_FAULTS = 25
/** Larger requests may be refused before they were read, which costs the connection. */
const SMALL_BYTES = 64 * 1024

export interface RunResult {
  readonly sent: number
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly faults: readonly string[]
  readonly peakMemoryMiB: number
}

/** The case of a seed. */
function makeCase(operation: Operation, seed: number, world: World): Draft {
  const random = createRandom(seed)
  const draft = goodRequest(operation, world, random)
  let left = random.pick([0, 1, 1, 1, 1, 1, 1, 2, 3])
  for (let tries = 0; left > 0 && tries < 20; tries++) if (random.pick(mutations)(draft, random, world)) left--
  // Who broke several things is told of one of them.
  if (draft.story.length > 1) draft.expect = { kind: 'any' }
  return draft
}

/** The operations that a good request is told of that they are not built. */
async function findUnbuilt(server: RunningServer, world: World): Promise<Set<string>> {
  const unbuilt = new Set<string>()
  const wire = new Wire(server.baseUrl)
  for (const operation of operations) {
    const draft = goodRequest(operation, world, createRandom(1))
    const outcome = await wire.exchange(draft.method, render(draft))
    const said = outcome.kind === 'answer' ? outcome.answer.body.toString() : ''
    if (said.includes(`not implemented: ${operation.id}"`)) unbuilt.add(operation.id)
  }
  wire.close()
  return unbuilt
}

/** Sends one case and says what is wrong with its answer. */
export async function replay(server: RunningServer, world: World, operation: Operation, seed: number) {
  const draft = makeCase(operation, seed, world)
  const wire = new Wire(server.baseUrl)
  const outcome = await wire.exchange(draft.method, render(draft))
  wire.close()
  return { told: retold(draft, seed), outcome, problem: problemOf(draft, outcome, await findUnbuilt(server, world)) }
}

export async function run(server: RunningServer, world: World, runSeed: number, count: number): Promise<RunResult> {
  const unbuilt = await findUnbuilt(server, world)
  const built = operations.filter(({ id }) => !unbuilt.has(id))
  // What is not built has less to get wrong.
  const turns = [...operations, ...built, ...built]
  const statuses: Record<string, number> = {}
  const faults: string[] = []
  let next = 0
  let sent = 0
  let peakMemoryMiB = 0

  async function work(): Promise<void> {
    let wire = new Wire(server.baseUrl)
    while (next < count && faults.length < MAX_FAULTS) {
      const index = next++
      const operation = turns[index % turns.length] as Operation
      const seed = caseSeed(runSeed, index)
      const draft = makeCase(operation, seed, world)
      const bytes = render(draft)
      if (!wire.open) wire = new Wire(server.baseUrl)
      const outcome = await wire.exchange(draft.method, bytes)
      sent++
      const status = outcome.kind === 'answer' ? outcome.answer.status : outcome.kind
      statuses[status] = (statuses[status] ?? 0) + 1
      let problem = wire.stray === '' ? problemOf(draft, outcome, unbuilt) : `bytes after an answer: ${wire.stray}`
      if (problem?.startsWith(UNNAMED) && (await isRefusedAnyway(operation, seed))) problem = null
      if (problem !== null) faults.push(`${problem}\n    ${retold(draft, seed)}${logOf(server, outcome)}`)
      if (problem !== null || bytes.length > SMALL_BYTES) wire.close()
      if (index % CHECK_EVERY === CHECK_EVERY - 1) await lookAround()
    }
    wire.close()
  }

  /** True when the request was refused before it was broken too: its message may be about that. */
  async function isRefusedAnyway(operation: Operation, seed: number): Promise<boolean> {
    const draft = goodRequest(operation, world, createRandom(seed))
    const wire = new Wire(server.baseUrl)
    const before = await wire.exchange(draft.method, render(draft))
    wire.close()
    return before.kind === 'answer' && before.answer.status >= 400
  }

  async function lookAround(): Promise<void> {
    peakMemoryMiB = Math.max(peakMemoryMiB, peakMemory(server.pid))
    await world.checkSentinel()
    await world.mend()
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  await lookAround()
  return { sent, statuses, faults, peakMemoryMiB }
}

/** What the server logged of a request. */
function logOf(server: RunningServer, outcome: Outcome): string {
  const id = outcome.kind === 'answer' ? outcome.answer.headers.get('x-request-id') : undefined
  const line =
    id === undefined
      ? undefined
      : server
          .output()
          .split('\n')
          .find((candidate) => candidate.includes(id))
  return line === undefined ? '' : `\n    ${line.slice(0, 1500)}`
}

/** Resident memory at its highest so far; 0 where the system does not tell. */
function peakMemory(pid: number): number {
  if (process.platform !== 'linux') return 0
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}
