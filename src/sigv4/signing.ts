/** Signing keys and signatures of AWS Signature Version 4. */
import { createHmac } from 'node:crypto'

/** What a signature is valid for: `date/region/service/aws4_request`. */
export interface CredentialScope {
  /** `yyyymmdd`, UTC. */
  readonly date: string
  readonly region: string
  readonly service: string
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

const CACHE_LIMIT = 1024
const keys = new Map<string, Buffer>()

/** The scope as it is signed. */
export function scopeText({ date, region, service }: CredentialScope): string {
  return `${date}/${region}/${service}/aws4_request`
}

/** The key of a secret for a scope. Derived once per secret and day: four HMACs are three times the cost of a verification. */
function signingKey(secret: string, scope: CredentialScope): Buffer {
  const name = `${scopeText(scope)}\n${secret}`
  const known = keys.get(name)
  if (known !== undefined) return known
  const day = hmac(`AWS4${secret}`, scope.date)
  const key = hmac(hmac(hmac(day, scope.region), scope.service), 'aws4_request')
  if (keys.size >= CACHE_LIMIT) keys.clear()
  keys.set(name, key)
  return key
}

/** Hex signature over a canonical request's hash; `timestamp` is `yyyymmddThhmmssZ`. */
export function sign(secret: string, scope: CredentialScope, timestamp: string, requestHash: string): string {
  const text = `${ALGORITHM}\n${timestamp}\n${scopeText(scope)}\n${requestHash}`
  return hmac(signingKey(secret, scope), text).toString('hex')
}

/** `yyyymmddThhmmssZ` of a Unix time in milliseconds. */
export function formatTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

/** Unix milliseconds of `yyyymmddThhmmssZ`; null when it is not one. */
export function parseTimestamp(timestamp: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp)
  if (match === null) return null
  const [, year, month, day, hour, minute, second] = match
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(timeMs) ? null : timeMs
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
