/** Refs and their settings on both databases. */
import { describe } from 'vitest'
import { useServers } from '../support/acceptance.ts'
import { describeRefs } from './refs.ts'

describe.each(['embedded', 'postgres'] as const)('on Bun with the %s database', (database) => {
  const { server } = useServers({ database })
  describeRefs('refs', server)
})
