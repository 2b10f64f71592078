/** The API over real HTTP with the handlers of this room's own operations; what is not given answers 501. */
import { serve } from '@hono/node-server'
import { authHandlers } from '../../src/api/auth.ts'
import { type BuiltFeatures, configHandlers, type StorageDescription } from '../../src/api/config.ts'
import { type OperationId, operations } from '../../src/api/operations.gen.ts'
import { createApi, type Handler, type Handlers } from '../../src/api/router.ts'
import { type LoginConfig, setupHandlers } from '../../src/api/setup.ts'
import { createAuthCaches, createAuthenticator } from '../../src/auth/authenticate.ts'
import { createIdentities, readAuthVersion } from '../../src/auth/identities.ts'
import { createSealer } from '../../src/auth/seal.ts'
import { createTokens } from '../../src/auth/tokens.ts'
import type { Db } from '../../src/db/db.ts'

export interface TestServer {
  readonly url: string
  /** What was logged, newest last. */
  readonly logged: Readonly<Record<string, unknown>>[]
  /** What clients reported about themselves. */
  readonly events: [string, string, number][]
  /** How often versions were asked for beside the handlers' own statements. */
  versionReads: number
  close(): Promise<void>
}

export interface TestServerOptions {
  readonly handlers?: Partial<Record<OperationId, Handler>>
  readonly storages?: readonly StorageDescription[]
  readonly asksForEmail?: boolean
  readonly loginUrlMethod?: LoginConfig['loginUrlMethod']
  /** Absent: everything. */
  readonly built?: BuiltFeatures
}

export async function startServer(db: Db, options: TestServerOptions = {}): Promise<TestServer> {
  const secretKey = 'test secret'
  const sealer = createSealer(secretKey)
  const tokens = createTokens(secretKey, 3600)
  const caches = createAuthCaches()
  const authenticator = createAuthenticator(createIdentities(db, sealer, caches.identities), tokens, caches)
  const unbuilt = Object.fromEntries(Object.keys(operations).map((id) => [id, 'not_implemented']))
  const handlers = {
    ...unbuilt,
    ...setupHandlers({
      db,
      sealer,
      asksForEmail: options.asksForEmail ?? true,
      login: {
        rbac: 'none',
        loginUrl: '/auth/login',
        loginUrlMethod: options.loginUrlMethod ?? 'none',
        logoutUrl: '/logout',
        loginFailedMessage: "The credentials don't match.",
        fallbackLoginUrl: null,
        fallbackLoginLabel: null,
        loginCookieNames: ['internal_auth_session'],
        useLoginPlaceholders: false,
      },
    }),
    ...authHandlers({ authenticator, tokens, secureCookie: false }),
    ...configHandlers({
      storages: () => options.storages ?? [],
      built: options.built ?? { presign: true, presignMultipart: true, import: true },
      installationId: 'an installation',
      countEvents: (eventClass, name, count) => server.events.push([eventClass, name, count]),
    }),
    ...options.handlers,
  } as Handlers
  const server: TestServer = { url: '', logged: [], events: [], versionReads: 0, close: async () => undefined }
  const api = createApi(
    {
      authenticator,
      currentVersions: async () => {
        server.versionReads++
        return { authVersion: await readAuthVersion(db) }
      },
      log: { error: (fields) => server.logged.push(fields) },
    },
    handlers,
  )
  return new Promise((resolve) => {
    const http = serve(
      { fetch: (request) => api(request, { peerAddress: '192.0.2.1' }), port: 0, hostname: '127.0.0.1' },
      ({ port }) => {
        const close = () => new Promise<void>((done) => http.close(() => done()))
        resolve(Object.assign(server, { url: `http://127.0.0.1:${port}/api/v1`, close }))
      },
    )
  })
}
