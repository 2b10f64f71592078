/** The thread on Bun and Node, on the embedded database and on Postgres, on every type of storage that there is. */
import { describe } from 'vitest'
import { everyStorage, useServers } from '../support/acceptance.ts'
import { describeThread } from './thread.ts'

describe.each([
  { runtime: 'bun', database: 'embedded' },
  { runtime: 'bun', database: 'postgres' },
  { runtime: 'node', database: 'embedded' },
  { runtime: 'node', database: 'postgres' },
] as const)('the thread on $runtime with the $database database', (wanted) => {
  const { server } = useServers({
    ...wanted,
    stores: (folder, s3) => [...everyStorage(folder, s3), { id: 'cloud', type: 'gs' }],
  })

  describeThread('on a local disk', server, () => ({ id: 'disk', namespace: 'local://thread' }))
  describeThread('on the default storage', server, () => ({ id: null, namespace: 'local://default' }))
  describeThread('in an S3 bucket', server, () => ({ id: 'bucket', namespace: 's3://lake/thread' }))
  describeThread('in memory', server, () => ({ id: 'memory', namespace: 'mem://thread' }))
})
