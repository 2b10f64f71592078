/**
 * The lakeFS REST API under `/api/v1`: match → authenticate → authorize → handler → one `Response`. Nothing here knows a resource.
 */
import { randomUUID } from 'node:crypto'
import type { Authenticator } from '../auth/authenticate.ts'
import { DomainError } from '../errors.ts'
import type { HttpBodies } from '../runtime/bodies.ts'
import { type ErrorLog, errorReply } from './errors.ts'
import type { InFlight } from './in-flight.ts'
import { type ObserveAnswer, requestIdOf } from './observe.ts'
import { type OperationId, operations } from './operations.gen.ts'
import { permissions, permissionTree } from './permissions.ts'
import { ApiRequest, type Connection, type Versions } from './request.ts'
import { json, type Reply, toResponse } from './responses.ts'
import { compileRoutes, type Route } from './routes.ts'

export const API_PREFIX = '/api/v1'

export type Handler = (request: ApiRequest) => Reply | Promise<Reply>

/** Every operation of the contract: built, or an explicit 501. */
export type Handlers = Record<OperationId, Handler | 'not_implemented'>

export interface ApiDependencies {
  readonly authenticator: Authenticator
  /** Reads the versions for operations that have no statement of their own to read them with. */
  readonly currentVersions: () => Promise<Versions>
  readonly log: ErrorLog
  /** How streams go out; absent: as they are. */
  readonly outgoing?: HttpBodies['outgoing']
  /** Count requests and refuse those that are too many; absent: none are. */
  readonly inFlight?: {
    readonly known: InFlight
    /** Whom anybody can be takes no place from those who are known. */
    readonly anonymous: InFlight
  }
  /** Milliseconds that a client may be silent while its body is read; absent or 0: any. */
  readonly bodyIdleMs?: number
  /** Told of every request; must not throw. */
  readonly observe?: ObserveAnswer
}

/** Answers any request whose path starts with `API_PREFIX`; never throws. */
export type Api = (request: Request, connection: Connection) => Promise<Response>

/** What is left behind of a request, however it ends. */
interface Trail {
  request: ApiRequest | null
}

const noSuchEndpoint = json(404, { message: 'invalid API endpoint' })

/** Makes the API from its handlers. */
export function createApi(dependencies: ApiDependencies, handlers: Handlers): Api {
  const match = compileRoutes()

  async function serve(raw: Request, connection: Connection): Promise<Response> {
    const startedMs = performance.now()
    const id = requestIdOf(raw, randomUUID)
    const target = targetOf(connection.target ?? raw.url)
    const mark = target.indexOf('?')
    const path = mark === -1 ? target : target.slice(0, mark)
    const route = path.startsWith(API_PREFIX) ? match(raw.method, path.slice(API_PREFIX.length)) : null
    const trail: Trail = { request: null }
    const respond = (reply: Reply) => toResponse(reply, raw.method, id, dependencies.outgoing)
    let reply: Reply
    let response: Response
    try {
      const rawQuery = mark === -1 ? '' : target.slice(mark + 1)
      reply = route === null ? noSuchEndpoint : await operate(raw, connection, id, route, rawQuery, trail)
      response = respond(reply)
    } catch (error) {
      reply = errorReply(error, id, route?.operation ?? 'unknown', dependencies.log)
      response = respond(reply)
    }
    dependencies.observe?.({
      id,
      raw,
      connection,
      path,
      operation: route?.operation ?? null,
      request: trail.request,
      status: reply.status,
      body: reply.body,
      headers: reply.headers,
      durationMs: performance.now() - startedMs,
    })
    return response
  }

  async function operate(
    raw: Request,
    connection: Connection,
    id: string,
    route: Route,
    rawQuery: string,
    trail: Trail,
  ): Promise<Reply> {
    const { operation } = route
    const rule = permissions[operation]
    const authenticating =
      operations[operation].security === 'none' ? null : dependencies.authenticator.authenticate(raw.headers)
    const authenticated = authenticating instanceof Promise ? await authenticating : authenticating
    const request = new ApiRequest(raw, id, connection, route, rawQuery, authenticated, dependencies.bodyIdleMs)
    trail.request = request
    if (rule !== 'open' && request.caller === null) {
      throw new DomainError('unauthenticated', 'cannot serve request: no credentials')
    }
    const leave = enter(request)
    try {
      return await handle(request, route)
    } finally {
      leave?.()
    }
  }

  /**
   * Takes a place among the requests that are worked on, for those who may: who only connects, or sends half a body without
   * credentials, must not hold one. A server with too much to do is alive, which `healthCheck` tells.
   *
   * @throws overloaded
   */
  function enter({ operation, caller }: ApiRequest): (() => void) | null {
    const { inFlight } = dependencies
    if (inFlight === undefined || operation === 'healthCheck') return null
    const places = caller === null ? inFlight.anonymous : inFlight.known
    places.enter()
    return () => places.leave()
  }

  async function handle(request: ApiRequest, route: Route): Promise<Reply> {
    const { operation } = route
    const rule = permissions[operation]
    const handler = handlers[operation]
    // Operations on a repository read the versions with their first statement; who has none asks here.
    if (handler === 'not_implemented' || route.names[0] !== 'repository') await checkNow(request)
    if (handler === 'not_implemented') throw new DomainError('not_implemented', `not implemented: ${operation}`)
    if (typeof rule === 'object') request.authorize(() => permissionTree(rule, request))
    try {
      const reply = await handler(request)
      if (rule === 'handler' && !request.authorized) throw new Error(`${operation} answered without authorizing`)
      return reply
    } finally {
      // Nobody learns anything, not even that something does not exist, by credentials that are gone.
      if (!request.versionsChecked) await checkNow(request)
    }
  }

  async function checkNow(request: ApiRequest): Promise<void> {
    if (!request.versionsChecked) await request.checkVersions(await dependencies.currentVersions())
  }

  return serve
}

/**
 * Path and query of a request target, as they stand there. `url` is an absolute one, as `Request` has it and as clients send to
 * proxies, or starts with the path, as over the wire and in Bun's `request.url` when there is no `Host`.
 */
function targetOf(url: string): string {
  if (url.startsWith('/')) return url
  const path = url.indexOf('/', url.indexOf('://') + 3)
  if (path === -1) return '/'
  const fragment = url.indexOf('#', path)
  return fragment === -1 ? url.slice(path) : url.slice(path, fragment)
}
