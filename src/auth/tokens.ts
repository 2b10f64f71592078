/**
 * Login tokens: JWT HS256 signed with `auth.encrypt.secret_key`, as lakeFS makes them, so that tokens survive a change between the
 * two. Stateless: logging out does not end them; deleting the user does, and deleting the access key that they were issued for, which
 * ours name in a claim of their own.
 */
import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { DomainError } from '../errors.ts'

const ISSUER = 'auth'
const AUDIENCE = 'login'
const ACCESS_KEY_CLAIM = 'interlaken_access_key'

interface LoginToken {
  readonly token: string
  readonly expiresAtSeconds: number
}

interface VerifiedToken {
  readonly userName: string
  readonly expiresAtSeconds: number
  /** The access key of the login; absent from tokens of lakeFS. */
  readonly accessKeyId?: string
}

export interface Tokens {
  /** @param accessKeyId ends the token with the key; absent: it ends with its user */
  issue(userName: string, accessKeyId?: string): Promise<LoginToken>
  /** @throws unauthenticated for a bad signature, another audience, a missing or past expiry, no subject */
  verify(token: string): Promise<VerifiedToken>
}

/** @param durationSeconds how long a token is good, `auth.login_duration` */
export function createTokens(secretKey: string, durationSeconds: number): Tokens {
  const key = new TextEncoder().encode(secretKey)
  return {
    async issue(userName, accessKeyId) {
      const issuedAtSeconds = Math.floor(Date.now() / 1000)
      const expiresAtSeconds = issuedAtSeconds + durationSeconds
      const token = await new SignJWT(accessKeyId === undefined ? {} : { [ACCESS_KEY_CLAIM]: accessKeyId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setJti(randomUUID())
        .setIssuer(ISSUER)
        .setSubject(userName)
        .setAudience(AUDIENCE)
        .setIssuedAt(issuedAtSeconds)
        .setExpirationTime(expiresAtSeconds)
        .sign(key)
      return { token, expiresAtSeconds }
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256', 'HS384', 'HS512'],
          requiredClaims: ['exp', 'sub'],
        })
        const { aud, exp, sub } = payload
        const audiences = aud === undefined || aud === '' ? [] : [aud].flat()
        if (audiences.length > 0 && !audiences.includes(AUDIENCE)) throw refuse('made for another audience')
        if (exp === undefined || sub === undefined || sub === '') throw refuse('without subject')
        const { [ACCESS_KEY_CLAIM]: accessKeyId } = payload
        return { userName: sub, expiresAtSeconds: exp, ...(typeof accessKeyId === 'string' ? { accessKeyId } : {}) }
      } catch (cause) {
        if (cause instanceof errors.JOSEError) throw refuse(cause.code, cause)
        throw cause
      }
    },
  }
}

function refuse(reason: string, cause?: unknown): DomainError {
  return new DomainError('unauthenticated', `cannot accept login token: ${reason}`, { cause })
}
