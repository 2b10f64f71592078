/** SIGTERM and SIGINT: requests in flight end well, then the server does. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { openUpload } from './raw-upload.ts'
import { continuing, createRepository, expectUsable, expectWhole, until } from './support.ts'

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
