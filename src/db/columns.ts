/** Column types that Postgres has and drizzle does not spell out. */
import { customType } from 'drizzle-orm/pg-core'

/** Text ordered by its UTF-8 bytes, whatever the database's locale: what names, ids and listings need. */
export const bytewiseText = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/** Raw bytes, ordered bytewise. */
export const bytea = customType<{ data: Buffer; driverData: Uint8Array }>({ dataType: () => 'bytea' })
