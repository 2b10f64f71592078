/** The first administrator: made once, whoever asks first. */
import { sql } from 'drizzle-orm'
import type { Db, Queries } from '../db/db.ts'
import { credentials, installation, users } from '../db/schema.ts'
import { DomainError } from '../errors.ts'
import { type AccessKey, generateAccessKey } from './keys.ts'
import type { Sealer } from './seal.ts'
import { claimLocked } from './secret-key.ts'

/** Characters of an address at most, as RFC 5321 allows in a path. */
const MAX_EMAIL_LENGTH = 254
const EMAIL = /^[^\s@<>",\0]+@[^\s@<>",.\0]+(\.[^\s@<>",.\0]+)+$/

/** What the setup form asks about e-mails. Kept here, sent nowhere. */
export interface CommPrefs {
  readonly email: string
  readonly firstName?: string | null | undefined
  readonly lastName?: string | null | undefined
  readonly companyName?: string | null | undefined
  readonly featureUpdates?: boolean | null | undefined
  readonly securityUpdates?: boolean | null | undefined
}

export interface SetupState {
  readonly initialized: boolean
  /** The form about e-mails has not been answered. */
  readonly commPrefsMissing: boolean
}

export interface SetupRequest {
  readonly userName: string
  /** Null: a generated pair. */
  readonly accessKey: AccessKey | null
  readonly commPrefs: CommPrefs | null
}

/** Credentials as they are shown, once. */
export interface CreatedCredentials extends AccessKey {
  readonly createdAtSeconds: number
}

export async function readSetupState(db: Db): Promise<SetupState> {
  const [row] = await db.orm
    .select({ setupAt: installation.setupAt, commPrefs: installation.commPrefs })
    .from(installation)
  return { initialized: row?.setupAt != null, commPrefsMissing: row?.commPrefs == null }
}

/**
 * Makes the first administrator with an access key. User, key and the mark that setup is done are one transaction: of several at
 * once exactly one succeeds.
 *
 * @throws already_initialized with lakeFS's text; invalid_argument for a name or key that cannot be used; corrupt when the
 *   installation belongs to servers with another secret key
 */
export async function setup(db: Db, sealer: Sealer, request: SetupRequest): Promise<CreatedCredentials> {
  // Once more under lock below; here so that nothing is done for whom nothing can be done.
  if ((await readSetupState(db)).initialized) throw alreadyInitialized()
  checkUserName(request.userName)
  const accessKey = request.accessKey ?? generateAccessKey()
  checkAccessKey(accessKey)
  if (request.commPrefs !== null) checkEmail(request.commPrefs.email)
  // Deriving the sealing key takes a while: not while the row is locked.
  const sealedSecret = sealer.seal(accessKey.accessKeyId, accessKey.secretAccessKey)
  return db.transaction(async (tx) => {
    const marked = await tx.orm
      .update(installation)
      .set({
        setupAt: sql`now()`,
        authVersion: sql`${installation.authVersion} + 1`,
        ...(request.commPrefs === null ? {} : { commPrefs: request.commPrefs }),
      })
      .where(sql`${installation.setupAt} IS NULL`)
      .returning({ setupAt: installation.setupAt })
    if (marked.length === 0) throw alreadyInitialized()
    await claimLocked(tx, sealer)
    return insertUser(tx, request.userName, accessKey, sealedSecret)
  })
}

/**
 * Answers the form about e-mails.
 *
 * @throws not_initialized, conflict when it was answered before: nobody need be known to answer it, so it is answered once
 */
export async function saveCommPrefs(db: Db, commPrefs: CommPrefs): Promise<void> {
  checkEmail(commPrefs.email)
  const saved = await db.orm
    .update(installation)
    .set({ commPrefs })
    .where(sql`${installation.setupAt} IS NOT NULL AND ${installation.commPrefs} IS NULL`)
    .returning({ singleton: installation.singleton })
  if (saved.length > 0) return
  const { initialized } = await readSetupState(db)
  if (!initialized) throw new DomainError('not_initialized', 'lakeFS is not initialized')
  throw new DomainError('conflict', 'communication preferences already set')
}

async function insertUser(
  tx: Queries,
  userName: string,
  { accessKeyId, secretAccessKey }: AccessKey,
  sealedSecret: Buffer,
): Promise<CreatedCredentials> {
  await tx.orm.insert(users).values({ id: userName, friendlyName: userName, source: 'internal' })
  const [created] = await tx.orm
    .insert(credentials)
    .values({ accessKeyId, userId: userName, sealedSecret })
    .returning({ createdAt: credentials.createdAt })
  if (created === undefined) throw new Error('the inserted access key did not come back')
  return { accessKeyId, secretAccessKey, createdAtSeconds: Math.floor(created.createdAt.getTime() / 1000) }
}

function alreadyInitialized(): DomainError {
  return new DomainError('already_initialized', 'lakeFS already initialized')
}

function checkUserName(userName: string): void {
  if (userName === '') throw new DomainError('invalid_argument', 'empty user display name')
  if (/[/%\0]/.test(userName)) {
    throw new DomainError('invalid_argument', `User name cannot contain '/', '%' or NUL`)
  }
}

function checkAccessKey({ accessKeyId, secretAccessKey }: AccessKey): void {
  if (accessKeyId === '' || secretAccessKey === '') {
    throw new DomainError('invalid_argument', 'cannot use access key: both parts must be given')
  }
  // Basic authentication splits at the first colon; Postgres and headers cannot carry NUL.
  if (/[:\0]/.test(accessKeyId) || secretAccessKey.includes('\0')) {
    throw new DomainError('invalid_argument', `cannot use access key "${accessKeyId}": it contains ":" or NUL`)
  }
}

function checkEmail(email: string): void {
  if (email.length > MAX_EMAIL_LENGTH || !EMAIL.test(email)) {
    throw new DomainError('invalid_argument', 'Invalid email format')
  }
}
