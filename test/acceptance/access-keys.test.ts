/** Access keys on one server with the embedded database, and on two that share a Postgres. */
import { describe } from 'vitest'
import { useServers } from '../support/acceptance.ts'
import { describeAccessKeys } from './access-keys.ts'

describe.each([
  { database: 'embedded', count: 1 },
  { database: 'postgres', count: 2 },
] as const)('on Bun with the $database database', (wanted) => {
  const { servers } = useServers(wanted)
  describeAccessKeys('access keys', servers)
})
