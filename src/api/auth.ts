/** Logging in and out, and who one is. */
import * as v from 'valibot'
import { type Authenticator, SESSION_COOKIE } from '../auth/authenticate.ts'
import type { Tokens } from '../auth/tokens.ts'
import { OPEN_BODY, readJson } from './body.ts'
import { empty, json, type Reply } from './responses.ts'
import type { Handler } from './router.ts'

/** How long a browser keeps the session cookie; the token inside usually ends earlier. */
const COOKIE_MAX_AGE_SECONDS = 30 * 24 * 60 * 60

export interface AuthDependencies {
  readonly authenticator: Authenticator
  readonly tokens: Tokens
  /** The server itself speaks TLS: the cookie is for HTTPS only. */
  readonly secureCookie: boolean
}

type AuthOperation = 'login' | 'getCurrentUser' | 'getAuthCapabilities'

const loginBody = v.object({ access_key_id: v.string(), secret_access_key: v.string() })

export function authHandlers(dependencies: AuthDependencies): Record<AuthOperation, Handler> {
  const { authenticator, tokens, secureCookie } = dependencies
  return {
    async login(request) {
      const body = await readJson(request, loginBody, OPEN_BODY)
      const principal = await authenticator.verifyAccessKey(body.access_key_id, body.secret_access_key)
      const { token, expiresAtSeconds } = await tokens.issue(principal.name, body.access_key_id)
      return json(
        200,
        { token, token_expiration: expiresAtSeconds },
        { 'Set-Cookie': sessionCookie(token, COOKIE_MAX_AGE_SECONDS, secureCookie) },
      )
    },

    getCurrentUser(request) {
      const { caller } = request
      if (caller === null) return json(200, { user: { id: '', creation_date: 0 } })
      return json(200, {
        user: {
          id: caller.name,
          creation_date: caller.createdAtSeconds,
          friendly_name: caller.friendlyName ?? caller.name,
          ...(caller.email === null ? {} : { email: caller.email }),
        },
      })
    },

    getAuthCapabilities() {
      return json(200, { invite_user: false })
    },
  }
}

/** `/logout` (outside `/api/v1`): forgets the cookie and goes to `auth.logout_redirect_url`. */
export function logout(redirectUrl: string, secureCookie: boolean): Reply {
  return empty(307, { Location: redirectUrl, 'Set-Cookie': sessionCookie('', 0, secureCookie) })
}

function sessionCookie(value: string, maxAgeSeconds: number, secure: boolean): string {
  const attributes = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}`
  return `${SESSION_COOKIE}=${value}; ${attributes}${secure ? '; Secure' : ''}`
}
