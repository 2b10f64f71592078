/** Commits, their log and what starts with a commit, on both databases and both runtimes. */
import { afterAll, beforeAll, describe } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { describeCommits } from './commits.ts'

describe.each([
  ['bun', 'embedded'],
  ['bun', 'postgres'],
  ['node', 'postgres'],
] as const)('on %s with the %s database', (runtime, database) => {
  let server: RunningServer | undefined

  beforeAll(async () => {
    const databaseUrl = database === 'embedded' ? {} : { databaseUrl: await createDatabase() }
    server = await startServer({ runtime, ...databaseUrl })
  })
  afterAll(async () => {
    await server?.stop()
    await stopPostgres()
  })

  describeCommits('commits', () => {
    if (server === undefined) throw new Error('the server is there once the first hook ran')
    return server
  })
})
