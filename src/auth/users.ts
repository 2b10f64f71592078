/**
 * Users and their access keys, as they are managed. Every change raises the authorization version in its own transaction, so that no
 * server goes on with what it remembers.
 */
import { and, eq, gt, ne, type SQL, sql } from 'drizzle-orm'
import type { Db, Queries } from '../db/db.ts'
import { credentials, installation, users } from '../db/schema.ts'
import { DomainError } from '../errors.ts'
import { type AccessKey, generateAccessKey } from './keys.ts'
import type { Sealer } from './seal.ts'

export interface User {
  readonly name: string
  readonly friendlyName: string | null
  readonly email: string | null
  readonly createdAtSeconds: number
}

/** An access key without its secret, which is shown once, when it is made. */
export interface Credentials {
  readonly accessKeyId: string
  readonly createdAtSeconds: number
}

export interface Listing {
  readonly prefix: string
  /** Exclusive; need not exist. */
  readonly after: string
  readonly amount: number
}

export interface Listed<Item> {
  readonly items: readonly Item[]
  readonly hasMore: boolean
}

const userColumns = {
  name: users.id,
  friendlyName: users.friendlyName,
  email: users.email,
  createdAt: users.createdAt,
}
const credentialColumns = { accessKeyId: credentials.accessKeyId, createdAt: credentials.createdAt }

/** Users by name in byte order. */
export async function listUsers(db: Db, { prefix, after, amount }: Listing): Promise<Listed<User>> {
  const rows = await db.orm
    .select(userColumns)
    .from(users)
    .where(and(startsWith(users.id, prefix), gt(users.id, after)))
    .orderBy(users.id)
    .limit(amount + 1)
  return { items: rows.slice(0, amount).map(withSeconds), hasMore: rows.length > amount }
}

/** @throws user_not_found */
export async function getUser(db: Queries, name: string): Promise<User> {
  const [row] = await db.orm.select(userColumns).from(users).where(eq(users.id, name))
  if (row === undefined) throw new DomainError('user_not_found', 'user not found')
  return withSeconds(row)
}

/** Access keys of a user by id in byte order. @throws user_not_found */
export async function listCredentials(db: Db, user: string, listing: Listing): Promise<Listed<Credentials>> {
  await getUser(db, user)
  const { prefix, after, amount } = listing
  const id = credentials.accessKeyId
  const rows = await db.orm
    .select(credentialColumns)
    .from(credentials)
    .where(and(eq(credentials.userId, user), startsWith(id, prefix), gt(id, after)))
    .orderBy(id)
    .limit(amount + 1)
  return { items: rows.slice(0, amount).map(withSeconds), hasMore: rows.length > amount }
}

/** @throws user_not_found, credentials_not_found */
export async function getCredentials(db: Db, user: string, accessKeyId: string): Promise<Credentials> {
  await getUser(db, user)
  const [row] = await db.orm.select(credentialColumns).from(credentials).where(keyOf(user, accessKeyId))
  if (row === undefined) throw credentialsNotFound()
  return withSeconds(row)
}

/** Makes another access key for a user; those that there are stay valid. @throws user_not_found */
export async function createCredentials(db: Db, sealer: Sealer, user: string): Promise<AccessKey & Credentials> {
  const accessKey = generateAccessKey()
  const { accessKeyId, secretAccessKey } = accessKey
  // Deriving the sealing key takes a while: not while the row is locked.
  const sealedSecret = sealer.seal(accessKeyId, secretAccessKey)
  const created = await db.transaction(async (tx) => {
    await raiseVersion(tx)
    await getUser(tx, user)
    return tx.orm.insert(credentials).values({ accessKeyId, userId: user, sealedSecret }).returning(credentialColumns)
  })
  const [row] = created
  if (row === undefined) throw new Error('the inserted access key did not come back')
  return { ...accessKey, ...withSeconds(row) }
}

/**
 * Deletes an access key, at once for all servers. The last one of a user stays: with it the only way in would be gone.
 *
 * @throws user_not_found, credentials_not_found, conflict for the last one
 */
export async function deleteCredentials(db: Db, user: string, accessKeyId: string): Promise<void> {
  await db.transaction(async (tx) => {
    // Its lock makes deletions wait for each other: two at once must not delete the last two.
    await raiseVersion(tx)
    await getUser(tx, user)
    const deleted = await tx.orm.delete(credentials).where(keyOf(user, accessKeyId)).returning(credentialColumns)
    if (deleted.length === 0) throw credentialsNotFound()
    const others = await tx.orm
      .select({ accessKeyId: credentials.accessKeyId })
      .from(credentials)
      .where(and(eq(credentials.userId, user), ne(credentials.accessKeyId, accessKeyId)))
      .limit(1)
    if (others.length > 0) return
    throw new DomainError(
      'conflict',
      `cannot delete access key "${accessKeyId}": it is the last one of user "${user}"; create another first`,
    )
  })
}

async function raiseVersion(tx: Queries): Promise<void> {
  await tx.orm.update(installation).set({ authVersion: sql`${installation.authVersion} + 1` })
}

function keyOf(user: string, accessKeyId: string): SQL | undefined {
  return and(eq(credentials.userId, user), eq(credentials.accessKeyId, accessKeyId))
}

function startsWith(column: typeof users.id | typeof credentials.accessKeyId, prefix: string): SQL {
  return sql`starts_with(${column}, ${prefix})`
}

function withSeconds<Row extends { readonly createdAt: Date }>({ createdAt, ...rest }: Row) {
  return { ...rest, createdAtSeconds: Math.floor(createdAt.getTime() / 1000) }
}

function credentialsNotFound(): DomainError {
  return new DomainError('credentials_not_found', 'credentials not found')
}
