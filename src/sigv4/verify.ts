/**
 * Verification of AWS Signature Version 4, in the Authorization header and in the query (presigned URLs).
 *
 * Implements: AWS4-HMAC-SHA256 for one request; the body's own hashes and chunk signatures are its reader's business.
 * Gaps: no SigV4A (ECDSA), no SigV2.
 * By design: all values of a repeated name are signed (lakeFS takes the first only); `host` must be signed; a presigned URL lives
 * until its expiry (in lakeFS 15 minutes at most).
 */
import { timingSafeEqual } from 'node:crypto'
import { canonicalRequest, hashCanonicalRequest, type WireRequest } from './canonical.ts'
import { ALGORITHM, type CredentialScope, parseTimestamp, sign, UNSIGNED_PAYLOAD } from './signing.ts'

/** S3's error codes for what can be wrong. */
export type SigV4Code =
  | 'MissingFields'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'MalformedDate'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'
  | 'AccessDenied'

/** Why a request is refused, in S3's words. */
export interface SigV4Failure {
  readonly code: SigV4Code
  readonly message: string
}

/** A signature taken apart, not yet believed. */
export interface ClaimedSignature {
  readonly kind: 'header' | 'query'
  readonly accessKeyId: string
  readonly scope: CredentialScope
  /** Lower case, sorted. */
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** `yyyymmddThhmmssZ` as signed, and the same in Unix milliseconds. */
  readonly timestamp: string
  readonly timeMs: number
  /** Life of a presigned URL; null in headers. */
  readonly expiresSeconds: number | null
  /** `x-amz-content-sha256` as signed: a hash, `UNSIGNED-PAYLOAD` or the name of a streaming mode. */
  readonly payloadHash: string
}

/** Clocks may differ by this much. */
const MAX_SKEW_MS = 15 * 60 * 1000
/** Seven days, S3's bound for presigned URLs. */
const MAX_EXPIRES_SECONDS = 604_800

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})\s*$/
const SCOPE = /^([^/]{3,128})\/(\d{8})\/([^/]*)\/([^/]+)\/aws4_request$/

/** True when the request carries a SigV4 signature of either kind. */
export function isSigV4(request: WireRequest): boolean {
  return (
    (request.header('authorization')?.startsWith(ALGORITHM) ?? false) ||
    /(?:^|&)X-Amz-Algorithm=/i.test(request.rawQuery)
  )
}

/** Takes the signature of a request apart. */
export function parseSignature(request: WireRequest): ClaimedSignature | SigV4Failure {
  const authorization = request.header('authorization')
  if (authorization?.startsWith(ALGORITHM) === true) return parseHeader(request, authorization)
  return parseQuery(request)
}

/** True for a refusal. */
export function isFailure(result: ClaimedSignature | SigV4Failure): result is SigV4Failure {
  return 'code' in result
}

/** Verifies a signature against the secret of its access key, then its time; null when both are right. */
export function checkSignature(
  request: WireRequest,
  claimed: ClaimedSignature,
  secret: string,
  nowMs: number,
): SigV4Failure | null {
  const except = claimed.kind === 'query' ? 'X-Amz-Signature' : null
  const text = canonicalRequest(request, claimed.signedHeaders, claimed.payloadHash, except)
  const expected = sign(secret, claimed.scope, claimed.timestamp, hashCanonicalRequest(text))
  if (!timingSafeEqual(Buffer.from(expected, 'latin1'), Buffer.from(claimed.signature, 'latin1'))) {
    return failure(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    )
  }
  const ageMs = nowMs - claimed.timeMs
  if (ageMs < -MAX_SKEW_MS) return failure('AccessDenied', 'Request is not valid yet')
  if (claimed.expiresSeconds !== null) {
    return ageMs > claimed.expiresSeconds * 1000 ? failure('AccessDenied', 'Request has expired') : null
  }
  if (ageMs <= MAX_SKEW_MS) return null
  return failure('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.')
}

function parseHeader(request: WireRequest, authorization: string): ClaimedSignature | SigV4Failure {
  const match = AUTHORIZATION.exec(authorization)
  if (match === null) {
    return failure('AuthorizationHeaderMalformed', 'The authorization header that you provided is not valid.')
  }
  const [, credential = '', signedHeaders = '', signature = ''] = match
  const scope = SCOPE.exec(credential)
  if (scope === null) {
    return failure('AuthorizationHeaderMalformed', 'The credential in the authorization header is malformed.')
  }
  const timestamp = request.header('x-amz-date') ?? request.header('date')
  if (timestamp === null) {
    return failure('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  }
  const payloadHash = request.header('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD
  return finish('header', scope, signedHeaders, signature, timestamp, null, payloadHash, 'AuthorizationHeaderMalformed')
}

function parseQuery(request: WireRequest): ClaimedSignature | SigV4Failure {
  const query = new URLSearchParams(request.rawQuery)
  const algorithm = query.get('X-Amz-Algorithm')
  if (algorithm === null) return failure('MissingFields', 'Missing fields in request.')
  if (algorithm !== ALGORITHM) return badQuery('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  const credential = query.get('X-Amz-Credential')
  const signature = query.get('X-Amz-Signature')
  const timestamp = query.get('X-Amz-Date')
  const signedHeaders = query.get('X-Amz-SignedHeaders')
  const expires = query.get('X-Amz-Expires')
  if (credential === null || signature === null || timestamp === null || signedHeaders === null || expires === null) {
    return failure('MissingFields', 'Missing fields in request.')
  }
  const scope = SCOPE.exec(credential)
  if (scope === null) return badQuery('Error parsing the X-Amz-Credential parameter')
  if (!/^[0-9a-f]{64}$/.test(signature)) return badQuery('Error parsing the X-Amz-Signature parameter')
  if (!/^\d{1,6}$/.test(expires) || Number(expires) > MAX_EXPIRES_SECONDS) {
    return badQuery('X-Amz-Expires must be a number between 0 and 604800 seconds')
  }
  const payloadHash = query.get('X-Amz-Content-Sha256') ?? UNSIGNED_PAYLOAD
  const code = 'AuthorizationQueryParametersError'
  return finish('query', scope, signedHeaders, signature, timestamp, Number(expires), payloadHash, code)
}

function finish(
  kind: ClaimedSignature['kind'],
  [, accessKeyId = '', date = '', region = '', service = '']: RegExpExecArray,
  signedHeaderList: string,
  signature: string,
  timestamp: string,
  expiresSeconds: number | null,
  payloadHash: string,
  code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
): ClaimedSignature | SigV4Failure {
  const timeMs = parseTimestamp(timestamp)
  if (timeMs === null) return failure('MalformedDate', 'The date must be in ISO8601 "basic format"')
  if (!timestamp.startsWith(date)) return failure(code, 'The date in the credential scope is not that of the request.')
  const signedHeaders = signedHeaderList.toLowerCase().split(';').sort()
  if (!signedHeaders.includes('host')) return failure(code, 'The host header must be signed.')
  const scope = { date, region, service }
  return {
    kind,
    accessKeyId,
    scope,
    signedHeaders,
    signature,
    timestamp,
    timeMs,
    expiresSeconds,
    payloadHash,
  }
}

function badQuery(message: string): SigV4Failure {
  return failure('AuthorizationQueryParametersError', message)
}

function failure(code: SigV4Code, message: string): SigV4Failure {
  return { code, message }
}
