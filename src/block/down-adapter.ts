/**
 * A storage that cannot be opened: its type has no adapter here, or opening it failed. It still names places (listings, logs and
 * refs of its repositories keep working) and refuses everything that needs bytes, naming itself and the reason.
 */
import { DomainError } from '../errors.ts'
import type { BlockAdapter, Location } from './adapter.ts'
import type { StorageDefinition } from './definition.ts'
import { placeOf } from './fingerprint.ts'
import { canonicalInBucket, locateFullInBucket, locateInBucket, namespaceRules, parseNamespace } from './namespace.ts'

/** Builds the adapter of a storage that is down; every operation on bytes throws `code` with the storage's id, type and `reason`. */
export function createDownAdapter(
  definition: StorageDefinition,
  code: 'storage_unsupported' | 'storage_unavailable',
  reason: string,
  cause?: unknown,
): BlockAdapter {
  const { type, id } = definition
  function fail(): Promise<never> {
    return Promise.reject(
      new DomainError(code, `cannot use storage "${id}" (${type}): ${reason}`, cause === undefined ? {} : { cause }),
    )
  }
  const place = placeOf(definition)
  return {
    type,
    capabilities: {
      presign: false,
      presignMultipart: false,
      putIfAbsent: false,
      import: false,
      serverSideCopy: false,
      listParts: false,
    },
    rules: namespaceRules(definition),
    place,
    locate: (namespace, identifier) =>
      definition.type === 'local'
        ? locateOnDisk(definition.local.path, namespace, identifier)
        : locateInBucket(type, namespace, identifier),
    locateFull: (uri) =>
      definition.type === 'local'
        ? { container: definition.local.path, key: uri.replace(/^local:\/\//, ''), uri }
        : locateFullInBucket(type, uri),
    canonicalNamespace: (namespace) =>
      definition.type === 'local'
        ? onDisk(locateOnDisk(definition.local.path, namespace, '').key)
        : canonicalInBucket(type, place, namespace),
    canonicalLocation: (location) =>
      type === 'local' ? onDisk(location.key) : canonicalInBucket(type, place, location.uri),
    ping: fail,
    put: fail,
    get: fail,
    getTail: fail,
    properties: fail,
    exists: fail,
    remove: fail,
    async removeMany(locations) {
      const error = await fail().catch((failure: Error) => failure)
      return locations.map((location) => ({ location, error }))
    },
    list: fail,
    copy: fail,
    createMultipart: fail,
    putPart: fail,
    listParts: fail,
    completeMultipart: fail,
    abortMultipart: fail,
    presign: fail,
    presignPart: fail,
    close: () => Promise.resolve(),
  }
}

function locateOnDisk(root: string, namespace: string, identifier: string): Location {
  const { container, path } = parseNamespace('local', namespace)
  const key = [root, container, path, identifier].filter((part) => part !== '').join('/')
  return { container: root, key, uri: `local://${key}` }
}

/** The canonical form that the local adapter gives its places. */
function onDisk(path: string): string[] {
  return ['local', ...path.split('/').filter((segment) => segment !== '')]
}
