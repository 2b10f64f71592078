/** What the drivers' errors mean. */
import { DomainError } from '../errors.ts'

/** A connection could not be had: nothing was sent. Drivers throw it around the reason. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure'
  constructor(cause: unknown) {
    super('cannot connect to the database', { cause })
  }
}

/**
 * The SQLSTATE of an error from any driver, also through Drizzle's wrapping (`cause`), or null.
 * Node's own codes (`EPIPE`) look alike, so the class must be one that Postgres has.
 */
export function sqlState(error: unknown): string | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    // Bun's client keeps it in `errno`, beside a code of its own.
    const code = 'errno' in at && typeof at.errno === 'string' ? at.errno : 'code' in at ? at.code : undefined
    if (typeof code === 'string' && /^(?:[0-9][0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/.test(code)) return code
  }
  return null
}

/**
 * `again`: nothing happened and it may be repeated. `unsent`, `lost`: see `Db`. `unprepared`: the server forgot the statement.
 * `cancelled`, `locked`: the server gave the statement up and undid it, after a time or on somebody's word.
 */
export type Failure = 'again' | 'unsent' | 'lost' | 'unprepared' | 'argument' | 'cancelled' | 'locked' | 'other'

/** Serialization failure, deadlock. */
const repeatable = new Set(['40001', '40P01'])
/** Prepared statement does not exist, exists already: a pooler handed us somebody else's backend. */
const forgotten = new Set(['26000', '42P05'])
/** Invalid byte sequence (NUL), \u0000 in JSON, key too large for an index. */
const badArgument = new Set(['22021', '22P05', '54000'])
/** Too many connections, out of memory or disk, starting up, a standby: the server says that it did not do it. */
const refused = /^(53...|57P03|25006)$/
/** The backend was killed, or the connection is gone: it may have done it. */
const gone = /^(57P01|57P02|57P05|08\d{3})$/

/** Sorts an error from a driver. Errors without SQLSTATE that come from a driver mean that the connection is gone. */
export function classify(error: unknown): Failure {
  if (error instanceof ConnectFailure) return 'unsent'
  const state = sqlState(error)
  if (state === null) return error instanceof DomainError ? 'other' : 'lost'
  if (repeatable.has(state)) return 'again'
  if (forgotten.has(state)) return 'unprepared'
  if (state === '0A000' && error instanceof Error && /cached plan/.test(error.message)) return 'unprepared'
  if (badArgument.has(state)) return 'argument'
  if (refused.test(state)) return 'unsent'
  if (state === '57014') return 'cancelled'
  if (state === '55P03') return 'locked'
  return gone.test(state) ? 'lost' : 'other'
}

/** What callers are told. */
export function toDomainError(failure: Failure, error: unknown): unknown {
  const options = { cause: error }
  switch (failure) {
    case 'unsent':
      return new DomainError('database_unavailable', 'cannot reach the database: try again later', options)
    case 'lost':
      return new DomainError('outcome_unknown', 'connection to the database lost: the outcome is not known', options)
    case 'again':
      return new DomainError('contended', 'cannot finish: too many conflicting changes, try again', options)
    case 'cancelled':
      return new DomainError('database_unavailable', 'the database gave the statement up: try again later', options)
    case 'locked':
      return new DomainError('contended', 'cannot finish: a lock is held by others for too long, try again', options)
    case 'argument':
      return new DomainError('invalid_argument', 'text or key that the database cannot hold: invalid value', options)
    default:
      return error
  }
}
