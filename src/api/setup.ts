/** Setup of a new installation. Open to everybody until somebody has done it. */
import * as v from 'valibot'
import type { Sealer } from '../auth/seal.ts'
import { type CommPrefs, readSetupState, saveCommPrefs, setup as setUp } from '../auth/setup.ts'
import type { Db } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import { databaseText, OPEN_BODY, readJson } from './body.ts'
import { empty, json } from './responses.ts'
import type { Handler } from './router.ts'

/** What clients are told about logging in: `auth.ui_config` of the configuration. */
export interface LoginConfig {
  readonly rbac: 'none' | 'simplified' | 'internal' | 'external'
  readonly loginUrl: string
  /** How the web UI goes there. */
  readonly loginUrlMethod: 'none' | 'redirect' | 'select'
  readonly logoutUrl: string
  readonly loginFailedMessage: string
  readonly fallbackLoginUrl: string | null
  readonly fallbackLoginLabel: string | null
  readonly loginCookieNames: readonly string[]
  /** The login form shows "Username" and "Password" in its fields. */
  readonly useLoginPlaceholders: boolean
}

export interface SetupDependencies {
  readonly db: Db
  readonly sealer: Sealer
  readonly login: LoginConfig
  /** `email_subscription.enabled`: whether the setup form asks about e-mails. */
  readonly asksForEmail: boolean
}

type SetupOperation = 'getSetupState' | 'setup' | 'setupCommPrefs'

const commPrefs = {
  firstName: v.nullish(databaseText),
  lastName: v.nullish(databaseText),
  companyName: v.nullish(databaseText),
  email: v.nullish(databaseText),
  featureUpdates: v.nullish(v.boolean()),
  securityUpdates: v.nullish(v.boolean()),
}

const setupBody = v.object({
  username: databaseText,
  key: v.nullish(v.object({ access_key_id: databaseText, secret_access_key: databaseText })),
  ...commPrefs,
})

// The contract asks for both flags; lakeFS's own UI leaves the deprecated one out.
const commPrefsBody = v.object(commPrefs)

export function setupHandlers(dependencies: SetupDependencies): Record<SetupOperation, Handler> {
  const { db, sealer, login, asksForEmail } = dependencies
  return {
    async getSetupState() {
      const state = await readSetupState(db)
      return json(200, {
        state: state.initialized ? 'initialized' : 'not_initialized',
        comm_prefs_missing: asksForEmail && state.commPrefsMissing,
        login_config: loginConfig(login),
      })
    },

    async setup(request) {
      const body = await readJson(request, setupBody, OPEN_BODY)
      const created = await setUp(db, sealer, {
        userName: body.username,
        accessKey:
          body.key == null
            ? null
            : { accessKeyId: body.key.access_key_id, secretAccessKey: body.key.secret_access_key },
        commPrefs: prefsOf(body),
      })
      return json(200, {
        access_key_id: created.accessKeyId,
        secret_access_key: created.secretAccessKey,
        creation_date: created.createdAtSeconds,
      })
    },

    async setupCommPrefs(request) {
      const body = await readJson(request, commPrefsBody, OPEN_BODY)
      if (!asksForEmail) throw new DomainError('conflict', 'communication preferences already set')
      const prefs = prefsOf(body)
      if (prefs === null) throw new DomainError('invalid_argument', 'Invalid email format')
      await saveCommPrefs(db, prefs)
      return empty(200)
    },
  }
}

function prefsOf(body: v.InferOutput<typeof commPrefsBody>): CommPrefs | null {
  const { email, firstName, lastName, companyName, featureUpdates, securityUpdates } = body
  if (email == null || email === '') return null
  return { email, firstName, lastName, companyName, featureUpdates, securityUpdates }
}

function loginConfig(login: LoginConfig) {
  return {
    RBAC: login.rbac,
    login_url: login.loginUrl,
    login_url_method: login.loginUrlMethod,
    login_failed_message: login.loginFailedMessage,
    ...(login.fallbackLoginUrl === null ? {} : { fallback_login_url: login.fallbackLoginUrl }),
    ...(login.fallbackLoginLabel === null ? {} : { fallback_login_label: login.fallbackLoginLabel }),
    ...(login.useLoginPlaceholders ? { username_ui_placeholder: 'Username', password_ui_placeholder: 'Password' } : {}),
    login_cookie_names: login.loginCookieNames,
    logout_url: login.logoutUrl,
  }
}
