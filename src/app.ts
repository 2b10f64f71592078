/**
 * The table of contents of the server: one Hono app, the same on every runtime. Everything it works with comes in by `AppContext`;
 * it opens nothing itself.
 */
import { Hono } from 'hono'
import { authHandlers, logout } from './api/auth.ts'
import { branchHandlers } from './api/branches.ts'
import { changeObjectHandlers } from './api/change-objects.ts'
import { commitHandlers } from './api/commits.ts'
import { configHandlers } from './api/config.ts'
import { deleteObjectsHandlers } from './api/delete-objects.ts'
import { diffHandlers } from './api/diff.ts'
import { linkObjectHandlers } from './api/link-objects.ts'
import { type OperationId, operations } from './api/operations.gen.ts'
import { protectionHandlers } from './api/protection.ts'
import { readObjectHandlers } from './api/read-objects.ts'
import { repositoryHandlers } from './api/repositories.ts'
import type { Connection } from './api/request.ts'
import { toResponse } from './api/responses.ts'
import { API_PREFIX, createApi, type Handler, type Handlers } from './api/router.ts'
import { type LoginConfig, setupHandlers } from './api/setup.ts'
import { tableHandlers } from './api/tables.ts'
import { tagHandlers } from './api/tags.ts'
import { userHandlers } from './api/users.ts'
import { writeObjectHandlers } from './api/write-objects.ts'
import { createAuthCaches, createAuthenticator } from './auth/authenticate.ts'
import { createIdentities, readAuthVersion } from './auth/identities.ts'
import type { Sealer } from './auth/seal.ts'
import type { Tokens } from './auth/tokens.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { HttpBodies } from './runtime/bodies.ts'
import type { Logger } from './runtime/logger.ts'

export interface AppSettings {
  readonly login: LoginConfig
  readonly logoutRedirectUrl: string
  /** The server itself speaks TLS: cookies are for HTTPS only. */
  readonly secureCookie: boolean
  readonly asksForEmail: boolean
}

export interface AppContext {
  readonly settings: AppSettings
  readonly catalog: Catalog
  readonly sealer: Sealer
  readonly tokens: Tokens
  readonly log: Logger
  readonly bodies: HttpBodies
  /** What the runtime knows of a request beside the request: `environment` is what it hands to `fetch`. */
  readonly connection: (request: Request, environment: unknown) => Connection
}

export type App = Hono<{ Bindings: object }>

/** Makes the server's app. */
export function createApp(context: AppContext): App {
  const { settings, catalog, sealer, tokens, log, bodies } = context
  const { db } = catalog
  const caches = createAuthCaches()
  const authenticator = createAuthenticator(createIdentities(db, sealer, caches.identities), tokens, caches)
  const built: Partial<Record<OperationId, Handler>> = {
    ...setupHandlers({ db, sealer, login: settings.login, asksForEmail: settings.asksForEmail }),
    ...authHandlers({ authenticator, tokens, secureCookie: settings.secureCookie }),
    ...userHandlers({ db, sealer }),
    ...configHandlers({
      storages: () => catalog.registry.list(),
      built: { presign: true, presignMultipart: false, import: false },
    }),
    ...repositoryHandlers(catalog),
    ...branchHandlers(catalog),
    ...tagHandlers(catalog),
    ...protectionHandlers(catalog),
    ...commitHandlers(catalog),
    ...diffHandlers(catalog),
    ...readObjectHandlers(catalog),
    ...writeObjectHandlers(catalog, bodies),
    ...changeObjectHandlers(catalog),
    ...deleteObjectsHandlers(catalog),
    ...linkObjectHandlers(catalog),
    ...tableHandlers(catalog),
  }
  const currentVersions = async () => ({ authVersion: await readAuthVersion(db) })
  const api = createApi({ authenticator, currentVersions, log, outgoing: bodies.outgoing }, completeHandlers(built))

  const app: App = new Hono({ getPath: rawPath })
  app.all(`${API_PREFIX}/*`, (c) => api(c.req.raw, context.connection(c.req.raw, c.env)))
  app.get('/_health', (c) => c.text(`alive! ${catalog.options.installationId}`))
  app.get('/logout', (c) =>
    toResponse(logout(settings.logoutRedirectUrl, settings.secureCookie), c.req.raw.method, crypto.randomUUID()),
  )
  app.notFound((c) => c.json({ message: `nothing is served at ${c.req.path}; the API lives under ${API_PREFIX}` }, 404))
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'request failed')
    return c.json({ message: 'internal server error' }, 500)
  })
  return app
}

/** Every operation of the contract: what is built, else an explicit 501. */
function completeHandlers(built: Partial<Record<OperationId, Handler>>): Handlers {
  const ids = Object.keys(operations) as OperationId[]
  return Object.fromEntries(ids.map((id) => [id, built[id] ?? 'not_implemented'])) as Handlers
}

/** The undecoded path of a request. A host may be missing (HTTP/1.0): `http:///api/…`, or in Bun `/api/…`. */
function rawPath({ url }: Request): string {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return url.slice(start, end === -1 ? undefined : end)
}
