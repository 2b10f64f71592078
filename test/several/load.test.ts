/**
 * Several servers under one load, one of them killed in the middle: what was acknowledged by any of them is there once, seen from all.
 * `SEVERAL_SEED` repeats a schedule.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Histories } from '../kill/histories.ts'
import { describeBytes } from '../kill/load.ts'
import { listAll, verifyBranch } from '../kill/verify.ts'
import { type Answer, type Call, call, type Target } from '../support/http.ts'
import type { RunningServer } from '../support/server.ts'
import { createInstallation, type Installation } from './installation.ts'

const SEED = Number(process.env.SEVERAL_SEED ?? Date.now() % 1_000_000)
const LOAD_MS = 4000
const WRITERS = 4
const COMMITTERS = 2
const PATHS = 60

describe('servers under one load', () => {
  let installation: Installation | undefined
  let servers: RunningServer[] = []
  beforeAll(async () => {
    const here = await createInstallation()
    installation = here
    servers = await Promise.all((['bun', 'node', 'bun'] as const).map((runtime) => here.start(runtime)))
  })
  afterAll(() => installation?.remove())

  it.each([{ killed: false }, { killed: true }])(
    'lose nothing and double nothing (one killed: $killed)',
    async ({ killed }) => {
      console.log(`seed ${SEED}`)
      const repository = killed ? 'with-a-death' : 'in-peace'
      const R = `/repositories/${repository}`
      const [first] = servers
      const json = { name: repository, storage_namespace: `local://${repository}` }
      expect((await call(first ?? expect.fail(), 'POST', '/repositories', { json })).status).toBe(201)
      const histories = new Histories()
      const commits = new Set<string>()
      let unknown = 0
      let working = true
      let random = SEED >>> 0 || 1
      const chance = (): number => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
        return random / 2 ** 32
      }

      /** The answer, null when its server died over it. */
      async function send(target: Target, method: string, path: string, options?: Call): Promise<Answer | null> {
        try {
          return await call(target, method, path, options)
        } catch (error) {
          if (killed && target === servers[2]) return null
          throw error
        }
      }
      async function write(target: Target): Promise<boolean> {
        const path = `data/${Math.floor(chance() * PATHS)}`
        const at = `${R}/branches/main/objects?path=${path}`
        const body = chance() < 0.2 ? null : `${chance()}`
        const acknowledge = histories.send(path, body === null ? null : describeBytes(Buffer.from(body)))
        const answer = await (body === null ? send(target, 'DELETE', at) : send(target, 'POST', at, { body }))
        if (answer === null) return false
        expect(answer.status, answer.bytes.toString()).toBe(body === null ? 204 : 201)
        acknowledge()
        return true
      }
      async function commitOnce(target: Target): Promise<boolean> {
        // Empty ones are quick: they move the head under those that build a tree.
        const json = { message: `${chance()}`, allow_empty: chance() < 0.5 }
        const answer = await send(target, 'POST', `${R}/branches/main/commits`, { json })
        if (answer === null) unknown++
        else if (answer.status === 201) commits.add(answer.json.id)
        else expect([answer.status, answer.json.message]).toEqual([400, 'commit: no changes'])
        return answer !== null
      }
      /** Branches of one name, made, written, reset and deleted by all: each makes or deletes what it finds, never half. */
      async function branchOnce(target: Target): Promise<boolean> {
        const name = `b${Math.floor(chance() * 3)}`
        const made = await send(target, 'POST', `${R}/branches`, { json: { name, source: 'main' } })
        if (made === null) return false
        expect(made.status, made.bytes.toString()).toBeOneOf([201, 409])
        const put = await send(target, 'POST', `${R}/branches/${name}/objects?path=x`, { body: 'x' })
        expect(put?.status ?? 201).toBeOneOf([201, 404])
        const reset = await send(target, 'PUT', `${R}/branches/${name}`, { json: { type: 'reset' } })
        expect(reset?.status ?? 204).toBeOneOf([204, 404])
        const deleted = await send(target, 'DELETE', `${R}/branches/${name}`)
        expect(deleted?.status ?? 204).toBeOneOf([204, 404])
        return deleted !== null
      }
      const until = async (work: () => Promise<boolean>) => {
        while (working && (await work())) await sleep(1)
      }
      const load = servers.flatMap((target) => [
        ...Array.from({ length: WRITERS }, () => until(() => write(target))),
        ...Array.from({ length: COMMITTERS }, () => until(() => commitOnce(target))),
        until(() => branchOnce(target)),
      ])
      await sleep(LOAD_MS / 2)
      if (killed) await servers[2]?.kill()
      await sleep(LOAD_MS / 2)
      working = false
      await Promise.all(load)
      if (killed) servers = servers.slice(0, 2)

      const seen = await Promise.all(servers.map((target) => listAll(target, repository, 'main')))
      for (const other of seen) expect(other).toEqual(seen[0])
      for (const target of servers) await verifyBranch(target, repository, histories)
      for (const target of servers) {
        const log = await logOf(target, R)
        for (const [at, commit] of log.entries()) {
          const parent = log[at + 1]
          expect(commit.parents).toEqual(parent === undefined ? [] : [parent.id])
        }
        const ids = log.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        expect([...commits].filter((id) => !ids.includes(id))).toEqual([])
        // Besides the acknowledged ones and the repository's first only what the dead server may have done.
        expect(ids.length - 1 - commits.size).toBeLessThanOrEqual(unknown)
      }
      expect(commits.size).toBeGreaterThan(10)
      // What is left goes into one last commit, and nothing changes by it.
      const [last] = servers
      const done = await call(last ?? expect.fail(), 'POST', `${R}/branches/main/commits`, {
        json: { message: 'rest' },
      })
      expect(done.status).toBeOneOf([201, 400])
      expect(await listAll(last ?? expect.fail(), repository, 'main@')).toEqual(seen[0])
      await expectOneEventPerMove(installation?.databaseUrl ?? '', repository)
    },
  )
})

async function logOf(target: Target, R: string): Promise<{ id: string; parents: string[] }[]> {
  const log: { id: string; parents: string[] }[] = []
  for (let more = true; more; ) {
    const { json } = await call(target, 'GET', `${R}/refs/main/commits?amount=1000&after=${log.at(-1)?.id ?? ''}`)
    log.push(...json.results)
    more = json.pagination.has_more
  }
  return log
}

/** The events of every ref form a line: each starts where the one before it ended. */
async function expectOneEventPerMove(databaseUrl: string, repository: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ broken: string | null }>(
    `SELECT e.name || ' at ' || e.id AS broken FROM (
       SELECT e.*, lag(new_id) OVER (PARTITION BY e.repo_uid, e.name ORDER BY e.id) AS before
       FROM events e JOIN repositories r ON r.uid = e.repo_uid WHERE r.name = $1) e WHERE old_id IS DISTINCT FROM before`,
    [repository],
  )
  await client.end()
  expect(rows).toEqual([])
}
