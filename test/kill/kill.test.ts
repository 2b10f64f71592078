/**
 * SIGKILL under a write load, at every durable step of a write and at random moments, and what must hold after the next start. Rounds
 * share their data folder, so that each start also meets what the kills before it left. `KILL_SEED` repeats a schedule, `KILL_ROUNDS`
 * makes it longer.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { type Step, steps } from '../../src/catalog/steps.ts'
import { call } from '../support/http.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { Histories, type Value } from './histories.ts'
import { runLoad } from './load.ts'
import { type AcknowledgedCommit, listAll, verifyBranch, verifyCommit, verifyLog } from './verify.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 50)
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
/** A step that did not come up by then is replaced by a kill from outside. */
const PATIENCE_MS = 5000
const REPOSITORY = 'killed'
const entry = join(import.meta.dirname, 'server.ts')

/** When a round ends: at the n-th time of a step, or after a while. */
type Death = { readonly step: Step; readonly occurrence: number } | { readonly step: null; readonly afterMs: number }

/** Every fifth at a random moment, the others at the steps in turn. */
function schedule(round: number, random: () => number): Death {
  const at = round - Math.floor(round / 5)
  const step = round % 5 === 4 ? undefined : steps[at % steps.length]
  if (step === undefined) return { step: null, afterMs: 20 + random() * 400 }
  const common = step.startsWith('upload.') && step !== 'upload.first-byte'
  return { step, occurrence: 1 + Math.floor(random() * (common ? 40 : 5)) }
}

/** Marsaglia's xorshift32 as numbers in [0, 1). */
function createRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state = (state ^ (state << 5)) >>> 0
    return state / 2 ** 32
  }
}

/** Statements that the dead server had sent have ended, one way or the other. */
async function untilDatabaseRests(databaseUrl: string | undefined): Promise<void> {
  if (databaseUrl === undefined) return
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const others =
    'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
  while ((await client.query<{ count: number }>(others)).rows[0]?.count !== 0) await sleep(5)
  await client.end()
}

describe.each([
  { kind: 'PGlite', database: async () => undefined },
  { kind: 'Postgres', database: createDatabase },
])('a server on $kind', ({ kind, database }) => {
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-kill-'))
  const hitsFile = join(folder, 'hits')
  let server: RunningServer | undefined
  afterAll(async () => {
    // Still there when a check failed.
    await server?.kill()
    rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  it(`loses nothing in ${ROUNDS} kills`, { timeout: 15_000 * ROUNDS }, async () => {
    console.log(`${kind}: seed ${SEED}`)
    const random = createRandom(SEED)
    const databaseUrl = await database()
    const histories = new Histories()
    const acknowledged: AcknowledgedCommit[] = []
    const contents = new Map<string, Map<string, NonNullable<Value>>>()
    const startTimesMs: number[] = []
    let credentials: { accessKeyId: string; secretAccessKey: string } | undefined
    let logLength = 1

    async function start(death: Death | null): Promise<RunningServer> {
      const startedMs = performance.now()
      const started = await startServer({
        runtime: 'bun',
        entry,
        dataDirectory: join(folder, 'data'),
        environment: {
          KILL_HITS: hitsFile,
          // Compactions all the time, beside the commits.
          INTERLAKEN_GRAVELER_COMPACTION_SENSOR_THRESHOLD: '1',
          ...(death === null || death.step === null
            ? {}
            : { KILL_STEP: death.step, KILL_OCCURRENCE: String(death.occurrence) }),
        },
        ...(databaseUrl === undefined ? {} : { databaseUrl }),
        ...(credentials === undefined ? {} : { credentials }),
      })
      startTimesMs.push(performance.now() - startedMs)
      credentials = { accessKeyId: started.accessKeyId, secretAccessKey: started.secretAccessKey }
      server = started
      return started
    }

    async function verify(server: RunningServer, fresh: readonly AcknowledgedCommit[]): Promise<void> {
      for (const commit of fresh) contents.set(commit.id, await verifyCommit(server, REPOSITORY, histories, commit))
      const log = await verifyLog(server, REPOSITORY, acknowledged)
      // Besides the acknowledged ones at most the commit that was under way.
      expect(log.length - logLength - fresh.length).toBeOneOf([0, 1])
      logLength = log.length
      await verifyBranch(server, REPOSITORY, histories)
    }

    let fresh: AcknowledgedCommit[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const death = schedule(round, random)
      const victim = await start(death)
      if (round === 0) {
        const made = await call(victim, 'POST', '/repositories', {
          json: { name: REPOSITORY, storage_namespace: `local://${REPOSITORY}` },
        })
        expect(made.status, made.bytes.toString()).toBe(201)
      } else await verify(victim, fresh)
      fresh = []
      const outside = setTimeout(() => void victim.kill(), death.step === null ? death.afterMs : PATIENCE_MS)
      await runLoad(victim, {
        repository: REPOSITORY,
        histories,
        random,
        onCommit: (id, during) => fresh.push({ id, during }),
      })
      await victim.exited
      clearTimeout(outside)
      acknowledged.push(...fresh)
      await untilDatabaseRests(databaseUrl)
    }

    const last = await start(null)
    await verify(last, fresh)
    for (const [id, content] of contents) expect(await listAll(last, REPOSITORY, id)).toEqual(content)
    expect(await last.stop()).toBe(0)

    const lines = readFileSync(hitsFile, 'utf8').trimEnd().split('\n')
    const count = (line: string) => lines.filter((other) => other === line).length
    const killed = steps.map((step) => ({ step, kills: count(`killed ${step}`), passed: count(step) }))
    for (const { step, kills, passed } of killed) console.log(`${kind}: ${step}: killed ${kills}, passed ${passed}`)
    const atSteps = killed.reduce((sum, { kills }) => sum + kills, 0)
    console.log(`${kind}: ${ROUNDS - atSteps} kills at random moments; ${acknowledged.length} commits acknowledged`)
    console.log(`${kind}: starts took at most ${Math.round(Math.max(...startTimesMs))} ms`)
    for (const { step, kills } of killed) expect(kills, step).toBeGreaterThan(0)
  })
})
