import { join } from 'node:path'
import type { Override } from './environment.ts'
import type { Secrets } from './secrets-file.ts'
import type { Section } from './tree.ts'

/**
 * What stands in for a configuration file when there is none: this machine only, two local storages and an embedded database in one
 * folder. Storages that the environment brings replace these two.
 */
export function standaloneTree(dataDirectory: string, secrets: Secrets, overrides: readonly Override[]): Section {
  const signing = { secret_key: secrets.signingSecretKey }
  const single = overrides.some(({ key }) => key === 'blockstore' || key.startsWith('blockstore.'))
  const stores = [
    store(dataDirectory, 'lake-a', 'First lake', { backward_compatible: 'true' }),
    store(dataDirectory, 'lake-b', 'Second lake', {}),
  ]
  return {
    listen_address: '127.0.0.1:8000',
    database: { type: 'local', local: { path: join(dataDirectory, 'database') } },
    auth: { encrypt: { secret_key: secrets.authEncryptSecretKey } },
    ...(single ? { blockstore: { signing } } : { blockstores: { signing, stores } }),
  }
}

function store(dataDirectory: string, id: string, description: string, more: Section): Section {
  return { id, description, type: 'local', local: { path: join(dataDirectory, id) }, ...more }
}
