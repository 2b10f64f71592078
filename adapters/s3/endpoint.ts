/** URLs of buckets and keys: virtual host or path style, on AWS or on an endpoint of one's own. */
import type { Location } from '../../src/block/adapter.ts'
import { DomainError } from '../../src/errors.ts'

/** What the URL of a bucket depends on. */
export interface EndpointSettings {
  /** Null: AWS. */
  readonly endpoint: string | null
  readonly forcePathStyle: boolean
}

/** Query parameters in the order they are sent; names may not repeat (aws4fetch signs only the first of a name). */
export type Query = readonly (readonly [name: string, value: string])[]

/** URL of the service itself, without a trailing slash. */
export function serviceUrl({ endpoint }: EndpointSettings, region: string): string {
  if (endpoint === null) return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
  const base = /^https?:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`
  return base.replace(/\/+$/, '')
}

/**
 * URL of a bucket, without a trailing slash. Path style also where a virtual host cannot work: endpoints that are IP addresses,
 * bucket names that are no host names, and names with dots under TLS (no wildcard certificate covers them).
 */
export function bucketUrl(settings: EndpointSettings, region: string, bucket: string): string {
  const base = serviceUrl(settings, region)
  const [, scheme = '', rest = ''] = /^(https?:\/\/)(.*)$/i.exec(base) ?? []
  const isIpAddress = /^(?:\[|\d+\.\d+\.\d+\.\d+(?::|\/|$))/.test(rest)
  const isHostName = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/.test(bucket)
  const isCovered = !bucket.includes('.') || scheme.toLowerCase() === 'http://'
  if (settings.forcePathStyle || isIpAddress || !isHostName || !isCovered) return `${base}/${encodeSegment(bucket)}`
  return `${scheme}${bucket}.${rest}`
}

/** URL of a key in a bucket. @throws address_invalid */
export function objectUrl(bucketBase: string, location: Location): string {
  return `${bucketBase}/${encodeKey(location)}`
}

/**
 * A key as it stands in a URL or in `x-amz-copy-source`: everything but unreserved characters and slashes encoded.
 * @throws address_invalid for keys that no web-standard URL can carry (dot segments are resolved away whatever their encoding, and
 * another object would be met) or that are not Unicode text
 */
export function encodeKey({ key, uri }: Location): string {
  if (key === '' || /(?:^|\/)\.{1,2}(?:\/|$)/.test(key)) {
    throw new DomainError('address_invalid', `cannot use address "${uri}": its key is empty or has dot segments`)
  }
  try {
    return encodeSegment(key).replaceAll('%2F', '/')
  } catch (cause) {
    throw new DomainError('address_invalid', `cannot use address "${uri}": its key is not Unicode text`, { cause })
  }
}

/** Encodes all but unreserved characters; `+` and `%` in particular, which aws4fetch would take for something else. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** `?name=value&…`, `""` without parameters. A parameter with an empty value is a sub-resource (`?uploads=`). */
export function queryText(query: Query): string {
  if (query.length === 0) return ''
  return `?${query.map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(value)}`).join('&')}`
}
