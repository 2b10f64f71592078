/** Presigned URLs of our own server. */
import { canonicalRequest, encodeRfc3986, hashCanonicalRequest } from './canonical.ts'
import { ALGORITHM, formatTimestamp, scopeText, sign, UNSIGNED_PAYLOAD } from './signing.ts'

/** What is presigned. */
export interface PresignInput {
  readonly method: string
  /** `https://host[:port]`, as clients will send it in `Host`. */
  readonly origin: string
  /** Path from the root, not encoded. */
  readonly path: string
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  /** At most seven days. */
  readonly expiresSeconds: number
  readonly nowMs: number
}

/** A URL that lets its bearer make one kind of request until it expires. Only `host` is signed. */
export function presignUrl(input: PresignInput): string {
  const timestamp = formatTimestamp(input.nowMs)
  const scope = { date: timestamp.slice(0, 8), region: input.region, service: 's3' }
  const rawPath = encodeRfc3986(input.path, true)
  const rawQuery = [
    ...input.query,
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${input.accessKeyId}/${scopeText(scope)}`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', String(input.expiresSeconds)],
    ['X-Amz-SignedHeaders', 'host'],
  ]
    .map(([name = '', value = '']) => `${encodeRfc3986(name, false)}=${encodeRfc3986(value, false)}`)
    .join('&')
  const host = input.origin.replace(/^https?:\/\//, '')
  const request = { method: input.method, rawPath, rawQuery, header: (name: string) => (name === 'host' ? host : null) }
  const text = canonicalRequest(request, ['host'], UNSIGNED_PAYLOAD, null)
  const signature = sign(input.secretAccessKey, scope, timestamp, hashCanonicalRequest(text))
  return `${input.origin}${rawPath}?${rawQuery}&X-Amz-Signature=${signature}`
}
