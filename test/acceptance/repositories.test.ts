/** Repositories on Bun and Node, on the embedded database and on Postgres, on every type of storage that there is. */
import { describe } from 'vitest'
import { everyStorage, useServers } from '../support/acceptance.ts'
import { describeRepositories } from './repositories.ts'

describe.each([
  { runtime: 'bun', database: 'embedded' },
  { runtime: 'node', database: 'postgres' },
] as const)('on $runtime with the $database database', (wanted) => {
  const { server } = useServers({ ...wanted, stores: everyStorage })

  describeRepositories('on a local disk', server, { id: 'disk', namespace: 'local://repositories' })
  describeRepositories('in an S3 bucket', server, { id: 'bucket', namespace: 's3://lake/repositories' })
  describeRepositories('in memory', server, { id: 'memory', namespace: 'mem://repositories' })
})
