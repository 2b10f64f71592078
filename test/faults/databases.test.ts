/** Uploads whose database fails leave no entry or the whole one, say so, and the branch is usable again without a restart. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../support/http.ts'
import { createDatabaseOn, type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { framings, openUpload, type RawAnswer } from './raw-upload.ts'
import {
  continuing,
  createRepository,
  expectAbsent,
  expectRefusal,
  expectUsable,
  expectWhole,
  type TestRepository,
  until,
  upload,
} from './support.ts'

const MIB = 1024 ** 2

describe.each(['bun', 'node'] as const)('the Postgres of a server on %s', (runtime) => {
  let postgres: OwnPostgres
  let databaseUrl: string
  let server: RunningServer
  let repository: TestRepository

  beforeAll(async () => {
    postgres = await startPostgres()
    databaseUrl = await createDatabaseOn(postgres.url)
    server = await startServer({ runtime, databaseUrl })
    repository = await createRepository(server, 'lake-a', 'local://databases')
  })
  afterAll(async () => {
    await server.stop()
    await postgres.stop()
  })

  async function asAdministrator<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  const ready = () => fetch(`${server.baseUrl}/_ready`)

  it.each(framings)('loses all connections in the middle of an upload (%s)', async (framing) => {
    const path = `connections ${framing}`
    const body = randomBytes(3 * MIB)
    const slow = await openUpload(server, repository.objects(path), framing, body.length)
    await slow.send(body.subarray(0, 2 * MIB))
    await asAdministrator((client) =>
      client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      ),
    )
    await slow.send(body.subarray(2 * MIB))
    await slow.finish()
    const answer = await slow.answer
    // The server may have been told of the loss before it needed a connection, or notice it with the statement that it sends.
    if (answer?.status !== 201) {
      expectUnavailable(answer)
      expect((await upload(server, repository, path, body)).status).toBe(201)
    }
    await expectWhole(server, repository, path, body)
    await expectUsable(server, repository)
  })

  it('kills the statement that makes the entry: outcome unknown, said so, entry absent', async () => {
    const body = randomBytes(1000)
    const answer = await asAdministrator(async (client) => {
      await client.query('BEGIN')
      await client.query("SELECT FROM refs WHERE name = 'main' FOR UPDATE")
      const waiting = upload(server, repository, 'unknown', body)
      const blocked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
      await until('a statement that waits for the branch', async () => (await client.query(blocked)).rows.length > 0)
      await client.query(`SELECT pg_terminate_backend(pid) FROM (${blocked}) waiting`)
      const answer = await waiting
      await client.query('ROLLBACK')
      return answer
    })
    expectRefusal(answer, 503, /database lost: the outcome is not known/)
    await expectAbsent(server, repository, 'unknown')
    await expectUsable(server, repository)
  })

  it('stops in the middle of uploads and comes back', async () => {
    const slow = await Promise.all(
      framings.map((framing) => openUpload(server, repository.objects(`stopped ${framing}`), framing, 3 * MIB)),
    )
    for (const upload of slow) await upload.send(randomBytes(2 * MIB))
    await postgres.halt()
    try {
      for (const upload of slow) {
        await upload.send(randomBytes(MIB))
        await upload.finish()
        expectUnavailable(await upload.answer)
      }
      expectRefusal(await upload(server, repository, 'stopped small', randomBytes(1000)), 503, /database/)
      expectRefusal(await call(server, 'GET', `/repositories/${repository.name}`), 503, /database/)
      const commits = `/repositories/${repository.name}/branches/main/commits`
      expectRefusal(await call(server, 'POST', commits, { json: { message: 'no' } }), 503, /database/)
      expect((await call(server, 'GET', '/healthcheck')).status).toBe(204)
      // What was asked a moment ago may still be told.
      await until('a server that is not ready', async () => (await ready()).status === 503)
      const unready = await ready()
      expect(unready.headers.get('retry-after')).toBe('1')
      const database = { up: false, reason: 'cannot reach the database: try again later' }
      expect(await unready.json()).toEqual({ status: 'unavailable', draining: false, database })
    } finally {
      await postgres.resume()
    }
    await until('a server that is ready again', async () => (await ready()).status === 200)
    const metrics = await fetch(`${server.baseUrl}/metrics`).then((response) => response.text())
    expect(metrics).toMatch(/^database_connections\{state="busy"\} \d/m)
    await expectAbsent(server, repository, 'stopped')
    await expectUsable(server, repository)
  })

  it('serves two servers: what one writes the other sees at once', async () => {
    const other = await startServer({
      runtime,
      databaseUrl,
      ...continuing(server),
    })
    try {
      for (const [writer, reader] of [
        [server, other],
        [other, server],
      ] as const) {
        for (let round = 0; round < 5; round++) {
          const body = randomBytes(2000)
          expect((await upload(writer, repository, 'shared', body)).status).toBe(201)
          await expectWhole(reader, repository, 'shared', body)
        }
        const commits = `/repositories/${repository.name}/branches/main/commits`
        const made = await call(writer, 'POST', commits, { json: { message: 'shared' } })
        expect(made.status).toBe(201)
        const branch = await call(reader, 'GET', `/repositories/${repository.name}/branches/main`)
        expect(branch.json.commit_id).toBe(made.json.id)
        const removed = await call(writer, 'DELETE', repository.objects('shared'))
        expect(removed.status).toBe(204)
        await expectAbsent(reader, repository, 'shared')
      }
    } finally {
      expect(await other.stop()).toBe(0)
    }
    await expectUsable(server, repository)
  })
})

function expectUnavailable(answer: RawAnswer | null): void {
  expect(answer?.status, answer?.body).toBe(503)
  expect(answer?.head).toMatch(/^retry-after: 1$/im)
  expect(answer?.body).toMatch(/database/)
}
