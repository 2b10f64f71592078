/**
 * Whether this server can do its work. Readiness is for whoever sends it requests (load balancers, Kubernetes), who has no credentials:
 * it says no more than "yes", "draining" or what is missing. The report is for people and names places, so it wants a user.
 *
 * A storage that is down does not make a server unready: the others, and everything that needs no bytes, go on.
 */
import type { Authenticator } from '../auth/authenticate.ts'
import type { StorageHealth } from '../block/registry.ts'
import type { Db, HotStatement } from '../db/db.ts'
import { DomainError } from '../errors.ts'
import { type ErrorLog, errorReply, RETRY_SOON } from './errors.ts'
import { createProbe } from './probe.ts'
import type { Versions } from './request.ts'
import { json, type Reply } from './responses.ts'

const DATABASE_PATIENCE_MS = 3000
const DATABASE_KEEP_MS = 1000
const STORAGE_PATIENCE_MS = 3000
const STORAGE_KEEP_MS = 5000

const ping: HotStatement = { name: 'health_ping', text: 'SELECT 1 AS one', readOnly: true }

export interface HealthDependencies {
  readonly db: Db
  /** Asks every storage, waiting at most `timeoutMs` for each. */
  readonly storages: (timeoutMs: number) => Promise<readonly StorageHealth[]>
  /** The server takes no new work and ends. */
  readonly draining: () => boolean
  readonly authenticator: Authenticator
  readonly currentVersions: () => Promise<Versions>
  readonly log: ErrorLog
}

export interface Health {
  /** 200 while requests can be served, else 503 with the reason. */
  ready(): Promise<Reply>
  /** The same with every storage, for a user. */
  report(headers: Headers, requestId: string): Promise<Reply>
}

interface Check {
  readonly up: boolean
  readonly reason: string | null
}

export function createHealth(dependencies: HealthDependencies): Health {
  const { db, draining, authenticator, currentVersions, log } = dependencies
  const database = createProbe(() => checkDatabase(db), { keepMs: DATABASE_KEEP_MS, patienceMs: DATABASE_PATIENCE_MS })
  const storages = createProbe(() => dependencies.storages(STORAGE_PATIENCE_MS), {
    keepMs: STORAGE_KEEP_MS,
    patienceMs: STORAGE_PATIENCE_MS,
  })

  function reply(check: Check, more: Readonly<Record<string, unknown>> = {}): Reply {
    const isDraining = draining()
    const status = isDraining ? 'draining' : check.up ? 'ready' : 'unavailable'
    const body = { status, draining: isDraining, database: check, ...more }
    return status === 'ready' ? json(200, body) : json(503, body, RETRY_SOON)
  }

  return {
    ready: async () => reply(await database()),
    async report(headers, requestId) {
      try {
        const authenticated = await authenticator.authenticate(headers)
        if (authenticated.principal === null) {
          throw new DomainError('unauthenticated', 'cannot tell the health of the server: no credentials')
        }
        await authenticated.revalidate((await currentVersions()).authVersion)
        const [check, all] = await Promise.all([database(), storages()])
        return reply(check, { storages: all.map(showStorage) })
      } catch (error) {
        return errorReply(error, requestId, 'health', log)
      }
    },
  }
}

function showStorage({ id, type, state, reason }: StorageHealth) {
  return { id, type, up: state === 'up', reason: reason === null ? null : withoutUserInfo(reason) }
}

/** An endpoint may have been configured with a password in its URL. */
function withoutUserInfo(reason: string): string {
  return reason.replace(/(:\/\/)[^\s/@]*@/g, '$1')
}

/** The reason is the one that clients get with a 503; the log has the whole one. */
async function checkDatabase(db: Db): Promise<Check> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Check>((resolve) => {
    const reason = `the database did not answer within ${DATABASE_PATIENCE_MS} ms`
    timer = setTimeout(() => resolve({ up: false, reason }), DATABASE_PATIENCE_MS)
  })
  const asked = db.run(ping, []).then(
    (): Check => ({ up: true, reason: null }),
    (error: unknown): Check => ({
      up: false,
      reason: error instanceof DomainError ? error.message : 'the database failed',
    }),
  )
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}
