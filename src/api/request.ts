/** One request of one operation, as handlers see it. */

import type { Authenticated } from '../auth/authenticate.ts'
import { type AuthorizationContext, authorize, listFilter } from '../auth/authorize.ts'
import type { Principal } from '../auth/identity.ts'
import type { Action, PermissionTree } from '../auth/permissions.ts'
import { DomainError } from '../errors.ts'
import type { StorageId } from '../model.ts'
import type { OperationId, operations } from './operations.gen.ts'
import { decodeText } from './percent.ts'
import { Query, refuseParameter } from './query.ts'
import type { Route } from './routes.ts'

type ParametersOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParametersOf<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** Every name that stands in a path of the contract. */
export type PathParameter = ParametersOf<(typeof operations)[OperationId]['path']>

/** What the runtime knows about the connection. */
export interface Connection {
  /** The peer's address without port, null where the runtime does not say. */
  readonly peerAddress: string | null
  /** The request target as it came over the wire, where the runtime has it (Node); else it is taken from `request.url`. */
  readonly target?: string
}

/** What the first statement of an operation reads beside its own rows. */
export interface Versions {
  /** The authorization version of the installation, as text. */
  readonly authVersion: string
  /** The storage of the operation's repository. */
  readonly storageId?: StorageId
}

export class ApiRequest implements AuthorizationContext {
  readonly operation: OperationId
  /** The client's own id of the request or a fresh UUID: sent back as `X-Request-ID` and written to logs. */
  readonly id: string
  /** The request itself: headers, body, abort signal. */
  readonly raw: Request
  /** How long the client may be silent while its body is read; 0: as long as it likes. */
  readonly bodyIdleMs: number
  readonly #connection: Connection
  readonly #route: Route
  readonly #rawQuery: string
  readonly #authenticated: Authenticated | null
  #query: Query | undefined
  #storageId: StorageId | null = null
  readonly #rules: (() => PermissionTree)[] = []
  #versionsChecked: boolean
  #authorized = false

  /** @param rawQuery what follows the `?`, undecoded */
  constructor(
    raw: Request,
    id: string,
    connection: Connection,
    route: Route,
    rawQuery: string,
    authenticated: Authenticated | null,
    bodyIdleMs = 0,
  ) {
    this.bodyIdleMs = bodyIdleMs
    this.raw = raw
    this.id = id
    this.operation = route.operation
    this.#connection = connection
    this.#route = route
    this.#rawQuery = rawQuery
    this.#authenticated = authenticated
    this.#versionsChecked = authenticated === null || authenticated.principal === null
  }

  get query(): Query {
    this.#query ??= new Query(this.#rawQuery)
    return this.#query
  }

  /** A path parameter: decoded once, UTF-8 without NUL, not empty. @throws invalid_argument */
  param(name: PathParameter): string {
    const at = this.#route.names.indexOf(name)
    if (at === -1) throw new Error(`${this.operation} has no path parameter "${name}"`)
    const value = decodeText(this.#route.values[at] ?? '', false)
    if (value === null) return refuseParameter(name, 'path', 'not percent-encoded UTF-8')
    if (value === '') return refuseParameter(name, 'path', 'value is required but missing')
    if (value.includes('\0')) return refuseParameter(name, 'path', 'must not contain NUL')
    return value
  }

  header(name: string): string | null {
    return this.raw.headers.get(name)
  }

  /** The caller, or null for one who showed no credentials. */
  get caller(): Principal | null {
    return this.#authenticated?.principal ?? null
  }

  /** The caller. @throws unauthenticated */
  get principal(): Principal {
    const { caller } = this
    if (caller === null) throw new DomainError('unauthenticated', 'cannot serve request: no credentials')
    return caller
  }

  /** The first entry of `X-Forwarded-For`, else `X-Real-IP`, else the peer: as lakeFS's policy conditions have it. */
  get sourceIp(): string | null {
    const forwarded = this.header('x-forwarded-for')?.split(',')[0]?.trim()
    return forwarded || this.header('x-real-ip') || this.#connection.peerAddress
  }

  /** The storage of the repository in question, null until `checkVersions` has named it. */
  get storageId(): StorageId | null {
    return this.#storageId
  }

  /**
   * Compares the identity that was used so far with the versions that the operation's own statement has read. Usually nothing to do
   * and synchronous; when credentials have changed since, they are checked again. Call it before the first effect.
   *
   * @throws unauthenticated, unauthorized
   */
  checkVersions(versions: Versions): void | Promise<void> {
    const checked = this.#authenticated?.revalidate(versions.authVersion)
    if (versions.storageId !== undefined) this.#storageId = versions.storageId
    if (checked === undefined) return this.#passed()
    return checked.then(() => this.#passed())
  }

  /** False as long as nobody has compared versions. */
  get versionsChecked(): boolean {
    return this.#versionsChecked
  }

  /** False as long as nobody has asked for permission. */
  get authorized(): boolean {
    return this.#authorized
  }

  /** Asks for what the request needs; all that was asked is asked again when the storage becomes known. @throws unauthorized, unauthenticated */
  authorize(tree: () => PermissionTree): void {
    authorize(this.principal, tree, this)
    this.#rules.push(tree)
    this.#authorized = true
  }

  /** Which resources a listing may show; null: all of them. @throws unauthorized, unauthenticated */
  listFilter(action: Action): ((resource: string) => boolean) | null {
    const filter = listFilter(this.principal, action, this)
    this.#authorized = true
    return filter
  }

  #passed(): void {
    this.#versionsChecked = true
    for (const tree of this.#rules) authorize(this.principal, tree, this)
  }
}
