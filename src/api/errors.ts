/**
 * The only place of the REST API that knows HTTP status. Lacking permission is 401, never 403 (clients rely on it); nothing that
 * would fail again is a 5xx, because lakectl retries 429, 500 and 503 and Hadoop clients 500..504.
 */
import { DomainError, type ErrorCode } from '../errors.ts'
import { json, type Reply } from './responses.ts'

interface Answer {
  readonly status: number
  /** Sent instead of the error's own message: a text that clients match on, or one that must not leak. */
  readonly message?: string
}

const answers: Record<ErrorCode, Answer> = {
  invalid_argument: { status: 400 },
  invalid_ref: { status: 400 },
  payload_too_large: { status: 413 },
  range_not_satisfiable: { status: 416 },
  precondition_failed: { status: 412 },
  not_implemented: { status: 501 },

  // The UI logs out on exactly this text, and only on it.
  unauthenticated: { status: 401, message: 'error authenticating request' },
  unauthorized: { status: 401 },

  repository_not_found: { status: 404 },
  branch_not_found: { status: 404 },
  tag_not_found: { status: 404 },
  commit_not_found: { status: 404 },
  ref_not_found: { status: 404 },
  entry_not_found: { status: 404 },
  user_not_found: { status: 404 },
  credentials_not_found: { status: 404 },
  already_exists: { status: 409 },
  already_initialized: { status: 409 },
  not_initialized: { status: 412 },
  conflict: { status: 409 },

  no_changes: { status: 400 },
  dirty_branch: { status: 400 },
  default_branch: { status: 403 },
  branch_protected: { status: 403 },
  read_only: { status: 403 },
  contended: { status: 429, message: 'Too many attempts, try again later' },
  overloaded: { status: 503 },

  namespace_invalid: { status: 400 },
  namespace_in_use: { status: 400 },
  namespace_unwritable: { status: 400 },
  address_invalid: { status: 400 },
  storage_unknown: { status: 404 },
  storage_not_found: { status: 410, message: 'No data' },
  storage_exists: { status: 409 },
  storage_forbidden: { status: 403 },
  storage_full: { status: 507 },
  storage_unavailable: { status: 503 },
  storage_unsupported: { status: 400 },
  body_incomplete: { status: 400 },
  body_silent: { status: 408 },
  checksum_mismatch: { status: 400 },

  corrupt: { status: 500 },
  // Both stop a start; no request ever meets them.
  database_newer: { status: 500 },
  database_locked: { status: 500 },
  database_unavailable: { status: 503 },
  outcome_unknown: { status: 503 },
}

/** What clients that may try again are told to wait, in seconds. */
export const RETRY_SOON = { 'Retry-After': '1' } as const

/** The rest of a body that is waited for no more would stand before the next request. */
const LAST_ON_CONNECTION = { Connection: 'close' } as const

function isWorthAnotherTry(status: number): boolean {
  return status === 429 || status === 503
}

/** Fields first, message second, as pino has it. */
export interface ErrorLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** How one of many things in a request is told to have failed. */
export function partialFailure(error: DomainError): { readonly status_code: number; readonly message: string } {
  const { status, message } = answers[error.code]
  return { status_code: status, message: message ?? error.message }
}

/**
 * The reply for anything thrown. What is no `DomainError` is a fault of ours: logged whole under the request id, answered without a
 * word of it. Faults below us (5xx) are logged too.
 */
export function errorReply(error: unknown, requestId: string, operation: string, log: ErrorLog): Reply {
  if (!(error instanceof DomainError)) {
    log.error({ requestId, operation, err: error }, 'request failed')
    return json(500, { message: 'internal server error' })
  }
  const { status, message } = answers[error.code]
  // A line for each refusal would be the next thing to be too much; the metrics count them.
  if (status >= 500 && status !== 501 && error.code !== 'overloaded')
    log.error({ requestId, operation, code: error.code, err: error }, 'request failed')
  const headers = isWorthAnotherTry(status) ? RETRY_SOON : error.code === 'body_silent' ? LAST_ON_CONNECTION : undefined
  return json(status, { message: message ?? error.message }, headers)
}
