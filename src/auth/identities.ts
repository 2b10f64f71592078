/**
 * Users and their access keys as the database has them, cached under the installation's authorization version: what was read under
 * the version that the next statement returns is still true, whatever the clock says.
 */
import type { Db, HotStatement } from '../db/db.ts'
import type { Principal } from './identity.ts'
import type { Sealer } from './seal.ts'

/** A user as of one authorization version. */
export interface Identity {
  readonly principal: Principal
  readonly authVersion: string
  /** The secret of the access key that it was looked up by; null when looked up by name. */
  readonly secret: string | null
}

/** How an identity is found again. */
export type IdentityKey = { readonly accessKeyId: string } | { readonly userName: string }

export interface Identities {
  /** The identity as last seen, possibly under an older version, else read now. Null when there is none. */
  find(key: IdentityKey): Identity | Promise<Identity | null>
  /** The identity as it is now. Null when there is none. */
  read(key: IdentityKey): Promise<Identity | null>
}

/** Identities that were read, by access key id or user name; shared by all requests of a process. */
export type IdentityCache = Map<string, Identity>

/** More access keys and users than this in use at once only cost statements. */
const MAX_CACHED = 10_000

const byAccessKey: HotStatement = {
  name: 'auth_by_access_key',
  text: `SELECT i.auth_version::text AS auth_version, c.sealed_secret, u.id, u.friendly_name, u.email,
 floor(extract(epoch FROM u.created_at))::text AS created_at_seconds
 FROM installation i LEFT JOIN credentials c ON c.access_key_id = $1 LEFT JOIN users u ON u.id = c.user_id`,
  readOnly: true,
}

const byUserName: HotStatement = {
  name: 'auth_by_user_name',
  text: `SELECT i.auth_version::text AS auth_version, NULL::bytea AS sealed_secret, u.id, u.friendly_name, u.email,
 floor(extract(epoch FROM u.created_at))::text AS created_at_seconds
 FROM installation i LEFT JOIN users u ON u.id = $1`,
  readOnly: true,
}

const authVersion: HotStatement = {
  name: 'auth_version',
  text: 'SELECT auth_version::text AS auth_version FROM installation',
  readOnly: true,
}

interface Row {
  readonly auth_version: string
  readonly sealed_secret: Buffer | null
  readonly id: string | null
  readonly friendly_name: string | null
  readonly email: string | null
  readonly created_at_seconds: string | null
}

/** @param cache lives as long as the process; `db` may live as long as one request */
export function createIdentities(db: Db, sealer: Sealer, cache: IdentityCache): Identities {
  async function read(key: IdentityKey): Promise<Identity | null> {
    const [statement, id] =
      'accessKeyId' in key ? [byAccessKey, key.accessKeyId] : ([byUserName, key.userName] as const)
    // What Postgres cannot hold is nobody's name.
    const [row] = id.includes('\0') ? [] : await db.run<Row>(statement, [id])
    if (row === undefined || row.id === null) {
      cache.delete(cacheKey(key))
      return null
    }
    const identity: Identity = {
      principal: {
        name: row.id,
        friendlyName: row.friendly_name,
        email: row.email,
        createdAtSeconds: Number(row.created_at_seconds),
        administrator: true,
      },
      authVersion: row.auth_version,
      secret: row.sealed_secret === null ? null : sealer.unseal(id, row.sealed_secret),
    }
    rememberBounded(cache, cacheKey(key), identity, MAX_CACHED)
    return identity
  }
  return {
    find: (key) => cache.get(cacheKey(key)) ?? read(key),
    read,
  }
}

/** The authorization version now, for operations that have no statement to read it with. */
export async function readAuthVersion(db: Db): Promise<string> {
  const [row] = await db.run<{ auth_version: string }>(authVersion, [])
  if (row === undefined) throw new Error('the installation has no row')
  return row.auth_version
}

/** Sets an entry; when there are too many, the one that was set longest ago goes. */
export function rememberBounded<Value>(cache: Map<string, Value>, key: string, value: Value, limit: number): void {
  cache.delete(key)
  cache.set(key, value)
  if (cache.size <= limit) return
  for (const oldest of cache.keys()) {
    cache.delete(oldest)
    return
  }
}

function cacheKey(key: IdentityKey): string {
  return 'accessKeyId' in key ? `k${key.accessKeyId}` : `u${key.userName}`
}
