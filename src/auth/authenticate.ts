/**
 * Who sent a request: `Authorization: Bearer`, then `Authorization: Basic`, then the session cookie, the order of the contract. A
 * credential that is there and wrong ends the request; none at all lets it go on as nobody.
 *
 * The exact header, if it is short, is remembered with what it proved, so a known caller costs one look-up and no cryptography. What was remembered
 * holds for one authorization version: `Authenticated.revalidate` compares it with the one that the operation's own statement read.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { DomainError } from '../errors.ts'
import { type Identities, type Identity, type IdentityCache, type IdentityKey, rememberBounded } from './identities.ts'
import type { Principal } from './identity.ts'
import type { Tokens } from './tokens.ts'

/** The cookie that a login sets; its value is the login token. */
export const SESSION_COOKIE = 'internal_auth_session'

const MAX_PROOFS = 10_000
/** Characters of a header that is remembered; a longer one (128 KiB can be sent) is proved each time. Ours have some 300. */
const MAX_KEY_LENGTH = 512
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** What one header or cookie proved. */
interface Proof {
  readonly key: IdentityKey
  readonly identity: Identity
  /** Infinity for access keys. */
  readonly expiresAtSeconds: number
}

/** Caches of one process; they outlive requests and database scopes. */
export interface AuthCaches {
  readonly identities: IdentityCache
  readonly proofs: Map<string, Proof>
}

export function createAuthCaches(): AuthCaches {
  return { identities: new Map(), proofs: new Map() }
}

/** The outcome for one request. */
export interface Authenticated {
  /** Null for a caller who showed nothing. */
  readonly principal: Principal | null
  /** The version that `principal` was read under, `""` for nobody. */
  readonly authVersion: string
  /** Makes sure of `principal` under `currentAuthVersion`. Nothing to do when it is the known one. @throws unauthenticated */
  revalidate(currentAuthVersion: string): void | Promise<void>
}

export interface Authenticator {
  /** Synchronous for a caller that is known already. @throws unauthenticated for a credential that is there and wrong */
  authenticate(headers: Pick<Headers, 'get'>): Authenticated | Promise<Authenticated>
  /** Checks an access key pair against the database as it is now, as at a login. @throws unauthenticated */
  verifyAccessKey(accessKeyId: string, secretAccessKey: string): Promise<Principal>
}

type Reprove = (cacheKey: string, proof: Proof) => Promise<Identity>

/** A class, since one is made for every request. */
class Proven implements Authenticated {
  principal: Principal
  authVersion: string
  readonly #cacheKey: string
  readonly #proof: Proof
  readonly #reprove: Reprove

  constructor(cacheKey: string, proof: Proof, reprove: Reprove) {
    this.principal = proof.identity.principal
    this.authVersion = proof.identity.authVersion
    this.#cacheKey = cacheKey
    this.#proof = proof
    this.#reprove = reprove
  }

  revalidate(currentAuthVersion: string): void | Promise<void> {
    return this.authVersion === currentAuthVersion ? undefined : this.#again()
  }

  async #again(): Promise<void> {
    const identity = await this.#reprove(this.#cacheKey, this.#proof)
    this.principal = identity.principal
    this.authVersion = identity.authVersion
  }
}

const nobody: Authenticated = { principal: null, authVersion: '', revalidate: () => undefined }

export function createAuthenticator(identities: Identities, tokens: Tokens, caches: AuthCaches): Authenticator {
  const { proofs } = caches

  async function proveAccessKey(accessKeyId: string, secret: string): Promise<Proof> {
    const key = { accessKeyId }
    const known = await identities.find(key)
    // A key that was deleted and made again has another secret than the one remembered.
    const identity = isSecretOf(known, secret) ? known : await identities.read(key)
    if (!isSecretOf(identity, secret)) throw mismatch(accessKeyId)
    return { key, identity, expiresAtSeconds: Number.POSITIVE_INFINITY }
  }

  async function proveToken(token: string): Promise<Proof> {
    const { userName, expiresAtSeconds, accessKeyId } = await tokens.verify(token)
    const key = accessKeyId === undefined ? { userName } : { accessKeyId }
    const identity = await identities.find(key)
    if (identity?.principal.name !== userName) throw refuse(`user "${userName}" or the access key of the login is gone`)
    return { key, identity, expiresAtSeconds }
  }

  async function proveOnce(cacheKey: string, proving: Promise<Proof>): Promise<Authenticated> {
    const proof = await proving
    remember(cacheKey, proof)
    return new Proven(cacheKey, proof, reprove)
  }

  async function reprove(cacheKey: string, proof: Proof): Promise<Identity> {
    const identity = await identities.read(proof.key)
    if (identity === null || identity.secret !== proof.identity.secret) {
      proofs.delete(cacheKey)
      throw refuse('it was valid and is no longer')
    }
    remember(cacheKey, { ...proof, identity })
    return identity
  }

  function remember(cacheKey: string, proof: Proof): void {
    if (cacheKey.length <= MAX_KEY_LENGTH) rememberBounded(proofs, cacheKey, proof, MAX_PROOFS)
  }

  function remembered(cacheKey: string): Authenticated | null {
    const proof = proofs.get(cacheKey)
    if (proof === undefined) return null
    if (proof.expiresAtSeconds !== Number.POSITIVE_INFINITY && proof.expiresAtSeconds * 1000 <= Date.now()) {
      proofs.delete(cacheKey)
      return null
    }
    return new Proven(cacheKey, proof, reprove)
  }

  return {
    authenticate(headers) {
      const header = headers.get('authorization')
      if (header !== null) {
        const known = remembered(header)
        if (known !== null) return known
        if (/^bearer /i.test(header)) return proveOnce(header, proveToken(header.slice(7).trim()))
        if (/^basic /i.test(header)) return proveOnce(header, basic(header, proveAccessKey))
      }
      const session = cookieValue(headers.get('cookie'), SESSION_COOKIE)
      if (session === null) return nobody
      const cacheKey = `cookie ${session}`
      return remembered(cacheKey) ?? proveOnce(cacheKey, proveToken(session))
    },
    async verifyAccessKey(accessKeyId, secretAccessKey) {
      const identity = await identities.read({ accessKeyId })
      if (!isSecretOf(identity, secretAccessKey)) throw mismatch(accessKeyId)
      return identity.principal
    },
  }
}

async function basic(header: string, prove: (accessKeyId: string, secret: string) => Promise<Proof>): Promise<Proof> {
  const encoded = header.slice(6).trim()
  // Node's decoder stops at what it does not know: several headers would be one credential.
  if (!BASE64.test(encoded)) throw refuse('malformed basic credentials')
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon === -1) throw refuse('malformed basic credentials')
  return prove(pair.slice(0, colon), pair.slice(colon + 1))
}

function isSecretOf(identity: Identity | null, secret: string): identity is Identity {
  const expected = createHash('sha256')
    .update(identity?.secret ?? '')
    .digest()
  const equal = timingSafeEqual(expected, createHash('sha256').update(secret).digest())
  return equal && identity !== null && identity.secret !== null
}

/** The value of one cookie, null when it is absent or empty (as after a logout). */
function cookieValue(header: string | null, name: string): string | null {
  if (header === null) return null
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trim() === name) {
      return (
        pair
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1') || null
      )
    }
  }
  return null
}

function mismatch(accessKeyId: string): DomainError {
  return refuse(`access key "${accessKeyId}" and its secret do not match`)
}

function refuse(reason: string): DomainError {
  return new DomainError('unauthenticated', `cannot accept credentials: ${reason}`)
}
