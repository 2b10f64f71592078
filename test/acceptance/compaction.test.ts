/** Compaction on Bun, on the embedded database and on Postgres. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { useServers } from '../support/acceptance.ts'
import { describeCompaction } from './compaction.ts'

describe.each(['embedded', 'postgres'] as const)('compaction with the %s database', (database) => {
  const { server, folder } = useServers({
    database,
    stores: (path) => [{ id: 'disk', type: 'local', backward_compatible: true, local: { path } }],
    environment: { INTERLAKEN_GRAVELER_COMPACTION_SENSOR_THRESHOLD: '40' },
  })

  describeCompaction(server, {
    id: 'disk',
    namespace: 'local://lake',
    tables(repository) {
      const tables = join(folder(), 'lake', repository, '_lakefs')
      return existsSync(tables) ? readdirSync(tables).length : 0
    },
  })
})
