/** Operations on objects on Bun, on the embedded database and on Postgres, on storages that presign and that do not. */
import { describe } from 'vitest'
import { everyStorage, useServers } from '../support/acceptance.ts'
import { describeObjects } from './objects.ts'

describe.each(['embedded', 'postgres'] as const)('objects with the %s database', (database) => {
  const { server } = useServers({ database, stores: everyStorage })

  describeObjects('on a local disk', server, { id: 'disk', namespace: 'local://objects', presigns: false })
  describeObjects('in an S3 bucket', server, { id: 'bucket', namespace: 's3://lake/objects', presigns: true })
  describeObjects('in memory', server, { id: 'memory', namespace: 'mem://objects', presigns: false })
})
