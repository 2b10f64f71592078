/** Refs and their settings on both runtimes' databases. */
import { afterAll, beforeAll, describe } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { describeRefs } from './refs.ts'

describe.each(['embedded', 'postgres'] as const)('on Bun with the %s database', (database) => {
  let server: RunningServer | undefined

  beforeAll(async () => {
    const databaseUrl = database === 'embedded' ? {} : { databaseUrl: await createDatabase() }
    server = await startServer({ runtime: 'bun', ...databaseUrl })
  })
  afterAll(async () => {
    await server?.stop()
    await stopPostgres()
  })

  describeRefs('refs', () => {
    if (server === undefined) throw new Error('the server is there once the first hook ran')
    return server
  })
})
