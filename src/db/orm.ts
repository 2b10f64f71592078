/** Drizzle over our own way of sending, so that its statements fail, retry and parse like all others, whatever the driver. */
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Orm } from './db.ts'
import * as schema from './schema.ts'

/** Drizzle that sends through `send`; what `send` throws arrives unwrapped at the caller. */
export function createOrm(
  send: (text: string, params: readonly unknown[], rows: 'objects' | 'arrays') => Promise<unknown[]>,
): Orm {
  const orm = drizzle(
    async (text, params, method) => ({ rows: await send(text, params, method === 'execute' ? 'objects' : 'arrays') }),
    { schema },
  )
  // Drizzle wraps errors in one that carries the statement and its parameters (secrets among them): take that off again.
  const session = orm._.session
  const prepareQuery = session.prepareQuery.bind(session)
  session.prepareQuery = (...args) => {
    const prepared = prepareQuery(...args)
    const execute = prepared.execute.bind(prepared)
    prepared.execute = (values) => execute(values).catch(unwrap)
    return prepared
  }
  return orm
}

function unwrap(error: unknown): never {
  throw error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error
}
