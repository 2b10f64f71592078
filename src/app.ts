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
import { createHealth } from './api/health.ts'
import { InFlight } from './api/in-flight.ts'
import { linkObjectHandlers } from './api/link-objects.ts'
import { createApiMetrics, createRequestLog, requestIdOf } from './api/observe.ts'
import { type OperationId, operations } from './api/operations.gen.ts'
import { protectionHandlers } from './api/protection.ts'
import { readObjectHandlers } from './api/read-objects.ts'
import { repositoryHandlers } from './api/repositories.ts'
import type { Connection } from './api/request.ts'
import { type Reply, toResponse } from './api/responses.ts'
import { API_PREFIX, createApi, type Handler, type Handlers } from './api/router.ts'
import { type LoginConfig, setupHandlers } from './api/setup.ts'
import { symlinkHandlers } from './api/symlinks.ts'
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
import type { Logger, LogLine } from './runtime/logger.ts'
import { METRICS_CONTENT_TYPE, type Metrics } from './runtime/metrics.ts'

export interface AppSettings {
  readonly login: LoginConfig
  readonly logoutRedirectUrl: string
  /** The server itself speaks TLS: cookies are for HTTPS only. */
  readonly secureCookie: boolean
  readonly asksForEmail: boolean
  /** Requests that are worked on at once; 0: any number. */
  readonly maxRequestsInFlight: number
}

export interface AppContext {
  readonly settings: AppSettings
  readonly catalog: Catalog
  readonly sealer: Sealer
  readonly tokens: Tokens
  readonly log: Logger
  /** Writes a line for each request; null: nobody reads it. */
  readonly requestLog: LogLine | null
  readonly metrics: Metrics
  /** The server has been told to end. */
  readonly draining: () => boolean
  readonly bodies: HttpBodies
  /** What the runtime knows of a request beside the request: `environment` is what it hands to `fetch`. */
  readonly connection: (request: Request, environment: unknown) => Connection
}

const MAX_EVENT_SERIES = 300
const EVENT_NAME = /^[\w.-]{1,64}$/

export type App = Hono<{ Bindings: object }>

/** Makes the server's app. */
export function createApp(context: AppContext): App {
  const { settings, catalog, sealer, tokens, log, bodies, metrics } = context
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
      installationId: catalog.options.installationId,
      countEvents: eventCounter(metrics),
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
    ...symlinkHandlers(catalog),
  }
  const currentVersions = async () => ({ authVersion: await readAuthVersion(db) })
  const inFlight = new InFlight(settings.maxRequestsInFlight)
  metrics.gauge('api_requests_in_flight', 'Requests that are not answered yet.', [], () => [[[], inFlight.running]])
  const countRequest = createApiMetrics(metrics)
  const logRequest = context.requestLog === null ? null : createRequestLog(context.requestLog)
  const api = createApi(
    {
      authenticator,
      currentVersions,
      log,
      outgoing: bodies.outgoing,
      inFlight,
      observe(answered) {
        countRequest(answered)
        logRequest?.(answered)
      },
    },
    completeHandlers(built),
  )
  const health = createHealth({
    db,
    storages: (timeoutMs) => catalog.registry.health(timeoutMs),
    draining: context.draining,
    authenticator,
    currentVersions,
    log,
  })

  const app: App = new Hono({ getPath: rawPath })
  app.all(`${API_PREFIX}/*`, (c) => api(c.req.raw, context.connection(c.req.raw, c.env)))
  app.get('/_health', (c) => c.text(`alive! ${catalog.options.installationId}`))
  app.get('/_ready', async (c) => respond(c.req.raw, () => health.ready()))
  app.get('/api/interlaken/v1/health', async (c) => respond(c.req.raw, (id) => health.report(c.req.raw.headers, id)))
  app.get('/metrics', (c) => c.body(metrics.text(), 200, { 'Content-Type': METRICS_CONTENT_TYPE }))
  app.get('/logout', (c) => respond(c.req.raw, () => logout(settings.logoutRedirectUrl, settings.secureCookie)))
  app.notFound((c) => c.json({ message: `nothing is served at ${c.req.path}; the API lives under ${API_PREFIX}` }, 404))
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'request failed')
    return c.json({ message: 'internal server error' }, 500)
  })
  return app
}

/** The answer of what is no operation of the contract. */
async function respond(raw: Request, answer: (requestId: string) => Reply | Promise<Reply>): Promise<Response> {
  const id = requestIdOf(raw, () => crypto.randomUUID())
  return toResponse(await answer(id), raw.method, id)
}

/** Clients name their events as they like: what looks like no name, or comes after the first few hundred, is counted as `other`. */
function eventCounter(metrics: Metrics): (eventClass: string, name: string, count: number) => void {
  const help = 'Events that clients have reported about themselves. They stay here.'
  const events = metrics.counter('client_events_total', help, ['class', 'name'], { maxSeries: MAX_EVENT_SERIES })
  return (eventClass, name, count) => {
    const isPlain = EVENT_NAME.test(eventClass) && EVENT_NAME.test(name)
    events.with(isPlain ? eventClass : 'other', isPlain ? name : 'other').add(count)
  }
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
