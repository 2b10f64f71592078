/** Whether the servers of an installation have one `auth.encrypt.secret_key`: known from the first start on, before there are users. */
import { asc, sql } from 'drizzle-orm'
import type { Db, Queries } from '../db/db.ts'
import { credentials, installation } from '../db/schema.ts'
import type { Sealer } from './seal.ts'

/** In place of an access key id; none contains a colon. */
const CHECK_NAME = 'installation:check'
const CHECK_TEXT = 'interlaken'

/**
 * Makes sure that the configured `auth.encrypt.secret_key` is the one of the installation, so that a wrong one is a clear line at the
 * start and not a failed login later. The first server that asks decides; in a database from before there was a check value, whoever
 * can open the access keys' secrets.
 *
 * @throws corrupt
 */
export async function claimSecretKey(db: Db, sealer: Sealer): Promise<void> {
  const [row] = await db.orm.select({ secretCheck: installation.secretCheck }).from(installation)
  if (row?.secretCheck != null) return openCheck(sealer, row.secretCheck)
  const [oldest] = await db.orm
    .select({ accessKeyId: credentials.accessKeyId, sealedSecret: credentials.sealedSecret })
    .from(credentials)
    .orderBy(asc(credentials.createdAt), asc(credentials.accessKeyId))
    .limit(1)
  if (oldest !== undefined) sealer.unseal(oldest.accessKeyId, oldest.sealedSecret)
  await claimLocked(db, sealer)
}

/**
 * As `claimSecretKey` where access keys are about to come, in their transaction: no server can have decided otherwise meanwhile.
 * @throws corrupt
 */
export async function claimLocked(tx: Queries, sealer: Sealer): Promise<void> {
  const [claimed] = await tx.orm
    .update(installation)
    .set({ secretCheck: sql`coalesce(${installation.secretCheck}, ${sealer.seal(CHECK_NAME, CHECK_TEXT)})` })
    .returning({ secretCheck: installation.secretCheck })
  if (claimed?.secretCheck == null) throw new Error('the database has no installation row: it was not migrated')
  openCheck(sealer, claimed.secretCheck)
}

function openCheck(sealer: Sealer, sealed: Buffer): void {
  sealer.unseal(CHECK_NAME, sealed)
}
