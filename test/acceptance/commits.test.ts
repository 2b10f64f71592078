/** Commits, their log and what starts with a commit, on both databases and both runtimes. */
import { describe } from 'vitest'
import { useServers } from '../support/acceptance.ts'
import { describeCommits } from './commits.ts'

describe.each([
  { runtime: 'bun', database: 'embedded' },
  { runtime: 'bun', database: 'postgres' },
  { runtime: 'node', database: 'postgres' },
] as const)('on $runtime with the $database database', (wanted) => {
  describeCommits('commits', useServers(wanted).server)
})
