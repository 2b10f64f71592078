/**
 * Every failure that a caller can act on. The edges (`api/errors.ts`, later `gateway/errors.ts`) map each code to a status in an
 * exhaustive table, so a new code does not compile until both know it. Anything thrown that is not a `DomainError` is a fault of ours.
 */
export type ErrorCode =
  // what the caller sent
  | 'invalid_argument'
  | 'invalid_ref'
  | 'payload_too_large'
  | 'range_not_satisfiable'
  | 'precondition_failed'
  | 'not_implemented'
  // who the caller is
  | 'unauthenticated'
  | 'unauthorized'
  // what is (not) there
  | 'repository_not_found'
  | 'branch_not_found'
  | 'tag_not_found'
  | 'commit_not_found'
  | 'ref_not_found'
  | 'entry_not_found'
  | 'user_not_found'
  | 'credentials_not_found'
  | 'already_exists'
  | 'already_initialized'
  | 'not_initialized'
  | 'conflict'
  // what the state forbids
  | 'no_changes'
  | 'dirty_branch'
  | 'default_branch'
  | 'branch_protected'
  | 'read_only'
  | 'contended'
  | 'overloaded'
  // the storages
  | 'namespace_invalid'
  | 'namespace_in_use'
  | 'namespace_unwritable'
  | 'address_invalid'
  | 'storage_unknown'
  | 'storage_not_found'
  | 'storage_exists'
  | 'storage_forbidden'
  | 'storage_full'
  | 'storage_unavailable'
  | 'storage_unsupported'
  | 'body_incomplete'
  | 'body_silent'
  | 'checksum_mismatch'
  // the ground under us
  | 'corrupt'
  | 'database_unavailable'
  | 'database_newer'
  | 'database_locked'
  | 'outcome_unknown'

/** A failure with a code; `message` says `cannot <action> "<value>": <state>`, or the text that lakeFS clients match on. */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** True when `error` is a `DomainError` with one of `codes` (any code when none is given). */
export function isDomainError(error: unknown, ...codes: ErrorCode[]): error is DomainError {
  return error instanceof DomainError && (codes.length === 0 || codes.includes(error.code))
}
