/** What S3's answers mean. The storage's own code and words are always part of the message. */
import type { Location } from '../../src/block/adapter.ts'
import { DomainError, type ErrorCode } from '../../src/errors.ts'
import { parseError } from './xml.ts'

/** An answer that is not a success. */
export interface S3Refusal {
  readonly status: number
  /** S3's code; `""` when there is none (HEAD). */
  readonly code: string
  readonly message: string
  /** The region that the bucket is in, where S3 says so. */
  readonly region: string
  /** Under which the storage's operator finds the request; `""` when there is none. */
  readonly requestId: string
}

const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  NoSuchKey: 'storage_not_found',
  NoSuchBucket: 'storage_not_found',
  NoSuchUpload: 'storage_not_found',
  InvalidRange: 'range_not_satisfiable',
  PreconditionFailed: 'storage_exists',
  InvalidPart: 'invalid_argument',
  InvalidPartOrder: 'invalid_argument',
  EntityTooSmall: 'invalid_argument',
  EntityTooLarge: 'payload_too_large',
  KeyTooLongError: 'address_invalid',
  InvalidObjectName: 'address_invalid',
  XMinioInvalidObjectName: 'address_invalid',
  XMinioInvalidResourceName: 'address_invalid',
  InvalidBucketName: 'address_invalid',
  QuotaExceeded: 'storage_full',
  XMinioStorageFull: 'storage_full',
  XMinioAdminBucketQuotaExceeded: 'storage_full',
  NotImplemented: 'storage_unsupported',
  BadDigest: 'checksum_mismatch',
  IncompleteBody: 'body_incomplete',
  // Asked in another moment, it might do: what `client.ts` has tried again in vain.
  RequestTimeout: 'storage_unavailable',
  OperationAborted: 'contended',
  ConditionalRequestConflict: 'contended',
  // 400, and yet about who asks.
  ExpiredToken: 'storage_forbidden',
  InvalidToken: 'storage_forbidden',
  AuthorizationHeaderMalformed: 'storage_forbidden',
}

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'storage_forbidden',
  403: 'storage_forbidden',
  404: 'storage_not_found',
  405: 'storage_unsupported',
  408: 'storage_unavailable',
  411: 'storage_unsupported',
  412: 'storage_exists',
  413: 'payload_too_large',
  416: 'range_not_satisfiable',
  429: 'storage_unavailable',
  501: 'storage_unsupported',
  507: 'storage_full',
}

/** Reads a refusal out of an answer. */
export async function readRefusal(response: Response): Promise<S3Refusal> {
  const text = await response.text().catch(() => '')
  const error = parseError(text)
  return {
    status: response.status,
    code: error?.code ?? '',
    message: error?.message ?? '',
    region: response.headers.get('x-amz-bucket-region') ?? error?.region ?? '',
    requestId: requestIdOf(response, error?.requestId),
  }
}

/** The id that an answer's headers give the request, or else its body. */
export function requestIdOf(response: Response, inBody: string | undefined): string {
  return response.headers.get('x-amz-request-id') ?? inBody ?? ''
}

/**
 * The code of a refusal. What would be refused again is never `storage_unavailable`, which clients take as a call to try again: an
 * unlisted 4xx is about what was sent, a redirect that cannot be followed about a storage that is not where it is configured.
 */
function codeOf({ code, status }: S3Refusal): ErrorCode {
  const listed = BY_CODE[code] ?? BY_STATUS[status]
  if (listed !== undefined) return listed
  if (status >= 400 && status < 500) return 'invalid_argument'
  return status >= 300 && status < 400 ? 'storage_unsupported' : 'storage_unavailable'
}

/** The error of a refusal. */
export function refusalError(action: string, location: Location, refusal: S3Refusal): DomainError {
  const said = [refusal.code, refusal.message].filter((part) => part !== '').join(': ')
  const id = refusal.requestId === '' ? '' : ` (request ${refusal.requestId})`
  return new DomainError(
    codeOf(refusal),
    `cannot ${action} "${location.uri}": the storage answered ${refusal.status}${said === '' ? '' : ` ${said}`}${id}`,
  )
}

/** The error of a request that got no answer. */
export function networkError(action: string, location: Location, cause: unknown): DomainError {
  return new DomainError('storage_unavailable', `cannot ${action} "${location.uri}": ${rootMessage(cause)}`, { cause })
}

/** `fetch` says "fetch failed" and keeps the reason in `cause`. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return rootMessage(error.cause)
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
