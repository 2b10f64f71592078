/** SIGTERM and SIGINT: requests in flight end well, then the server does. */
import { randomBytes } from 'node:crypto'
import { get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic } from '../support/http.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { openUpload } from './raw-upload.ts'
import { continuing, createRepository, expectUsable, expectWhole, until, upload } from './support.ts'

const MIB = 1024 ** 2

describe.each([
  { runtime: 'bun', database: 'PGlite' },
  { runtime: 'node', database: 'PGlite' },
  { runtime: 'bun', database: 'Postgres' },
  { runtime: 'node', database: 'Postgres' },
] as const)('a server on $runtime with $database', ({ runtime, database }) => {
  let server: RunningServer
  let again: RunningServer | undefined
  let databaseUrl: string | undefined

  beforeAll(async () => {
    databaseUrl = database === 'Postgres' ? await createDatabase() : undefined
    server = await start()
  })
  afterAll(async () => {
    await again?.stop()
    await server.stop()
    await stopPostgres()
  })

  function start(earlier?: RunningServer): Promise<RunningServer> {
    return startServer({
      runtime,
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      ...(earlier === undefined ? {} : continuing(earlier)),
    })
  }

  it('finishes a slow upload after a signal, takes nothing new, exits with 0 and goes on at the next start', async () => {
    const repository = await createRepository(server, 'lake-a', 'local://stopping')
    await expectUsable(server, repository)
    const body = randomBytes(3 * MIB)
    const slow = await openUpload(server, repository.objects('slow'), 'raw, known length', body.length)
    await slow.send(body.subarray(0, MIB))
    const metrics = () => fetch(`${server.baseUrl}/metrics`).then((response) => response.text())
    await until('the upload under way', async () => /^api_requests_in_flight\b.* [1-9]/m.test(await metrics()))
    process.kill(server.pid, 'SIGTERM')
    await until('the word that it is stopping', () => server.output().includes('stopping'))
    await until('a refused connection', () =>
      fetch(`${server.baseUrl}/api/v1/healthcheck`, { headers: { connection: 'close' } }).then(
        () => false,
        () => true,
      ),
    )
    await slow.send(body.subarray(MIB))
    await slow.finish()
    const answer = await slow.answer
    expect(answer?.status, answer?.body).toBe(201)
    expect(await server.exited).toBe(0)
    expect(server.output()).not.toMatch(/^\s+at /m)
    again = await start(server)
    await expectWhole(again, repository, 'slow', body)
    await expectUsable(again, repository)
  })
})

describe.each(['bun', 'node'] as const)('a server on %s that waits for its balancer', (runtime) => {
  it('tells that it is draining, serves on until then, and lets a slow download finish', async () => {
    const server = await startServer({ runtime, environment: { INTERLAKEN_LIMITS_SHUTDOWN_DELAY: '3s' } })
    const repository = await createRepository(server, 'lake-a', 'local://draining')
    const body = randomBytes(48 * MIB)
    expect((await upload(server, repository, 'large', body)).status).toBe(201)
    const download = await openDownload(server, `/repositories/${repository.name}/refs/main/objects?path=large`)
    expect(download.statusCode).toBe(200)
    process.kill(server.pid, 'SIGTERM')
    const states: unknown[] = []
    await until('the word that it is draining', async () => {
      const ready = await fetch(`${server.baseUrl}/_ready`)
      states.push(await ready.json())
      if (ready.status !== 503) return false
      expect(ready.headers.get('retry-after')).toBe('1')
      return true
    })
    expect(states.at(-1)).toEqual({ status: 'draining', draining: true, database: { up: true, reason: null } })
    expect((await fetch(`${server.baseUrl}/_health`)).status).toBe(200)
    await expectUsable(server, repository)
    await until('a refused connection', () =>
      fetch(`${server.baseUrl}/_health`, { headers: { connection: 'close' } }).then(
        () => false,
        () => true,
      ),
    )
    const chunks: Buffer[] = []
    for await (const chunk of download) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(body)).toBe(true)
    expect(await server.stop()).toBe(0)
  })
})

/** Asks, and reads nothing yet of the answer's body: more than sockets hold waits in the server. */
function openDownload(server: RunningServer, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: basic(server) }
    get(`${server.baseUrl}/api/v1${path}`, { headers, agent: false }, resolve).on('error', reject)
  })
}
