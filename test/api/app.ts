/** The whole app over real HTTP, on a database and a storage in memory, for tests of what goes through to the catalog. */
import { serve } from '@hono/node-server'
import { createMemAdapter } from '../../adapters/mem.ts'
import { createApp } from '../../src/app.ts'
import { createSealer } from '../../src/auth/seal.ts'
import { setup } from '../../src/auth/setup.ts'
import { createTokens } from '../../src/auth/tokens.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import type { DefinitionOf } from '../../src/block/definition.ts'
import { createStorageRegistry } from '../../src/block/registry.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { BlockCache } from '../../src/committed/block-cache.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { createCommitCache } from '../../src/refs/commits.ts'
import { readInstallation } from '../../src/refs/installation.ts'
import { plainBodies } from '../../src/runtime/bodies.ts'
import { createMetrics } from '../../src/runtime/metrics.ts'
import { createDirectWriter } from '../../src/staging/write.ts'
import { AddressBook } from '../../src/upload/address-book.ts'
import { memDefinition } from '../support/definitions.ts'
import type { Target } from '../support/http.ts'

export interface TestApp extends Target {
  readonly catalog: Catalog
  /** What was logged as an error, newest last. */
  readonly logged: Readonly<Record<string, unknown>>[]
  close(): Promise<void>
}

/** A storage in memory that says it can do everything, so that what the server promises depends on the server alone. */
function createCapableAdapter(definition: DefinitionOf<'mem'>): BlockAdapter {
  const adapter = createMemAdapter(definition)
  const capabilities = { ...adapter.capabilities, presign: true, presignMultipart: true, import: true }
  return { ...adapter, capabilities }
}

export async function startApp(): Promise<TestApp> {
  const accessKey = { accessKeyId: 'AKIAJWHOLEAPPWHOLEAQ', secretAccessKey: 'sesame' }
  const db = await openPgliteDb(null)
  await migrate(db)
  const sealer = createSealer('test secret')
  await setup(db, sealer, { userName: 'admin', accessKey, commPrefs: null })
  const logged: Readonly<Record<string, unknown>>[] = []
  const quiet = () => undefined
  const catalog: Catalog = {
    db,
    registry: createStorageRegistry({ signingKey: 'test', stores: [memDefinition()] }, { mem: createCapableAdapter }),
    stage: createDirectWriter(db),
    blockCache: new BlockCache(1024 * 1024),
    commits: createCommitCache(1024 * 1024),
    addresses: new AddressBook(),
    options: {
      installationId: (await readInstallation(db, null)).id,
      blockStoragePrefix: '_lakefs',
      rangePolicy: { minRangeSizeBytes: 0, maxRangeSizeBytes: 20 * 1024 * 1024, rangeRaggednessEntries: 50_000 },
      ensureReadableRootNamespace: true,
    },
    observe: quiet,
  }
  const app = createApp({
    settings: {
      login: {
        rbac: 'none',
        loginUrl: '/auth/login',
        loginUrlMethod: 'none',
        logoutUrl: '/logout',
        loginFailedMessage: "The credentials don't match.",
        fallbackLoginUrl: null,
        fallbackLoginLabel: null,
        loginCookieNames: ['internal_auth_session'],
        useLoginPlaceholders: false,
      },
      logoutRedirectUrl: '/auth/login',
      secureCookie: false,
      asksForEmail: false,
      maxRequestsInFlight: 0,
      bodyIdleMs: 0,
    },
    catalog,
    sealer,
    tokens: createTokens('test secret', 3600),
    log: { debug: quiet, info: quiet, warn: quiet, error: (fields) => logged.push(fields) },
    requestLog: null,
    metrics: createMetrics(),
    draining: () => false,
    bodies: plainBodies,
    connection: (_, environment) => {
      const { incoming } = environment as { incoming: { url?: string } }
      return { peerAddress: null, target: incoming.url ?? '/' }
    },
  })
  return new Promise((resolve) => {
    const http = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
      const close = async () => {
        await new Promise((done) => http.close(done))
        await catalog.registry.close()
        await db.close()
      }
      resolve({ ...accessKey, baseUrl: `http://127.0.0.1:${port}`, catalog, logged, close })
    })
  })
}
