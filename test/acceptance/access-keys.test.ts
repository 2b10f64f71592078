/** Access keys on one server with the embedded database, and on two that share a Postgres. */
import { afterAll, beforeAll, describe } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { describeAccessKeys } from './access-keys.ts'

describe.each(['embedded', 'postgres'] as const)('on Bun with the %s database', (database) => {
  const running: RunningServer[] = []

  beforeAll(async () => {
    if (database === 'embedded') {
      running.push(await startServer({ runtime: 'bun' }))
      return
    }
    const databaseUrl = await createDatabase()
    const one = await startServer({ runtime: 'bun', databaseUrl })
    running.push(one)
    const { accessKeyId, secretAccessKey, dataDirectory } = one
    const credentials = { accessKeyId, secretAccessKey }
    running.push(await startServer({ runtime: 'bun', databaseUrl, credentials, dataDirectory }))
  })
  afterAll(async () => {
    for (const server of running.reverse()) await server.stop()
    await stopPostgres()
  })

  describeAccessKeys('access keys', () => running)
})
