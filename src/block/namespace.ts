/**
 * Storage namespaces and addresses as text. Resolution follows lakeFS (`pkg/block/namespace.go`): a namespace's bucket is the URI's
 * host, its prefix the raw path less one trailing slash; keys are joined as written. Differing on purpose: a full address is taken
 * byte for byte (lakeFS cuts it at `?` and may decode escapes, which loses objects that it imported itself).
 */
import { DomainError } from '../errors.ts'
import type { StorageNamespace } from '../model.ts'
import type { Location, NamespaceRules, StorageType } from './adapter.ts'
import type { StorageDefinition } from './definition.ts'

/** A URI taken apart, nothing decoded. */
export interface ParsedUri {
  readonly scheme: string
  /** Host: bucket, first folder or account, by scheme. May be empty (`local:///…`). */
  readonly container: string
  /** Everything after the slash that follows the host. */
  readonly path: string
}

const URI = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/]*)(?:\/([\s\S]*))?$/

/** Splits `scheme://container/path`; null when `uri` does not look so. */
export function parseUri(uri: string): ParsedUri | null {
  const match = URI.exec(uri)
  if (match === null) return null
  const [, scheme = '', container = '', path = ''] = match
  return { scheme: scheme.toLowerCase(), container, path }
}

/** Schemes of the URIs that a type of storage reads; the first is the one it shows. */
const SCHEMES: Readonly<Record<StorageType, readonly [string, ...string[]]>> = {
  s3: ['s3'],
  gs: ['gs'],
  azure: ['https', 'http'],
  r2: ['s3'],
  local: ['local'],
  mem: ['mem', 'memory'],
}

/** True when `uri` begins with a scheme of some storage: what tells a full address from a relative one in old records. */
export function isFullAddress(uri: string): boolean {
  const parsed = parseUri(uri)
  return parsed !== null && Object.values(SCHEMES).some((schemes) => schemes.includes(parsed.scheme))
}

/** What clients are told about namespaces of a storage; texts of lakeFS's `GetStorageNamespaceInfo`. */
export function namespaceRules(definition: StorageDefinition): NamespaceRules {
  const [scheme] = SCHEMES[definition.type]
  const isAzure = definition.type === 'azure'
  const validity = isAzure ? `^https?://[a-z0-9_-]+\\.${definition.azure.domain}` : `^${scheme}://`
  const example = isAzure
    ? `https://mystorageaccount.${definition.azure.domain}/mycontainer/`
    : `${scheme}://example-bucket/`
  const fallbackPrefix = definition.type === 'local' ? 'local://' : null
  return {
    validity,
    example,
    importValidity: validity,
    defaultPrefix: definition.defaultNamespacePrefix ?? fallbackPrefix,
  }
}

/** Takes a namespace apart and checks that `type` serves its scheme and that it names a container. @throws namespace_invalid */
export function parseNamespace(type: StorageType, namespace: string): ParsedUri {
  const parsed = parseUri(namespace)
  if (parsed === null || !SCHEMES[type].includes(parsed.scheme)) {
    throw new DomainError(
      'namespace_invalid',
      `cannot use storage namespace "${namespace}": it must begin with ${SCHEMES[type][0]}://`,
    )
  }
  if (parsed.container === '' || /[\0-\x20?#@\x7f]/.test(parsed.container)) {
    throw new DomainError('namespace_invalid', `cannot use storage namespace "${namespace}": it names no bucket`)
  }
  return parsed
}

/** Key of `identifier` under a namespace's path: one trailing slash of the path removed, then joined by a slash, nothing resolved. */
export function joinKey(namespacePath: string, identifier: string): string {
  const prefix = namespacePath.endsWith('/') ? namespacePath.slice(0, -1) : namespacePath
  return prefix === '' ? identifier : `${prefix}/${identifier}`
}

/** Place of `identifier` under `namespace` in a storage whose URIs are `scheme://container/key`. @throws namespace_invalid */
export function locateInBucket(type: StorageType, namespace: StorageNamespace, identifier: string): Location {
  const { container, path } = parseNamespace(type, namespace)
  return bucketLocation(type, container, joinKey(path, identifier))
}

/** Place that a full address names, taken byte for byte. @throws address_invalid */
export function locateFullInBucket(type: StorageType, uri: string): Location {
  const parsed = parseUri(uri)
  if (parsed === null || !SCHEMES[type].includes(parsed.scheme)) {
    throw new DomainError('address_invalid', `cannot read address "${uri}": it must begin with ${SCHEMES[type][0]}://`)
  }
  if (parsed.container === '') throw new DomainError('address_invalid', `cannot read address "${uri}": no bucket`)
  return bucketLocation(type, parsed.container, parsed.path)
}

/** A key in a bucket with the URI that clients are shown. */
export function bucketLocation(type: StorageType, container: string, key: string): Location {
  return { container, key, uri: `${SCHEMES[type][0]}://${container}/${key}` }
}

/** Canonical place of a namespace: the storage's place, the container, then the prefix by segments (empty ones dropped). @throws namespace_invalid */
export function canonicalInBucket(type: StorageType, place: string, namespace: string): readonly string[] {
  const { container, path } = parseNamespace(type, namespace)
  return [place, container, ...path.split('/').filter((segment) => segment !== '')]
}

/** True when one canonical place equals the other or lies inside it, compared by whole segments. */
export function overlaps(a: readonly string[], b: readonly string[]): boolean {
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) if (a[at] !== b[at]) return false
  return true
}
