/**
 * Where objects lie on a disk: `<root>/<namespace>/<identifier>`. Relative identifiers cannot leave their namespace by their text;
 * full addresses (`local:///absolute/path`) may point under the root or an allowed folder, judged by whole segments of the real path.
 */
import { realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Location } from '../../src/block/adapter.ts'
import { parseNamespace } from '../../src/block/namespace.ts'
import { DomainError } from '../../src/errors.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { errnoOf } from './errors.ts'

/** Folder of the root that holds unfinished multipart uploads; no namespace may use it. */
export const MULTIPART_FOLDER = '_multipart'

/** Dot segments, empty segments (a file system would fold them into another name) and NUL. A trailing slash is a listing's prefix. */
const UNSAFE_PATH = /(?:^|\/)\.{1,2}(?:\/|$)|\/\/|^\/|\0/

const NAMESPACE_CACHE_LIMIT = 10_000

/** Resolves namespaces and addresses of one root. */
export interface LocalPaths {
  /** Real path of the root. */
  readonly root: string
  locate(namespace: StorageNamespace, identifier: string): Location
  locateFull(uri: string): Location
  /** Folder of a namespace. @throws namespace_invalid */
  namespaceFolder(namespace: StorageNamespace): string
}

/** `root` is a real path; the allowed folders are resolved here, as far as they exist. */
export function createLocalPaths(root: string, configuredRoot: string, allowed: readonly string[]): LocalPaths {
  const folders = new Map<string, string>()
  const roots = [root, ...allowed.map((folder) => realPathOf(resolve(folder)))]

  function namespaceFolder(namespace: StorageNamespace): string {
    const known = folders.get(namespace)
    if (known !== undefined) return known
    const { container, path } = parseNamespace('local', namespace)
    const segments = [container, ...path.split('/').filter((segment) => segment !== '')]
    if (segments.some((segment) => segment === '.' || segment === '..' || segment.includes('\0'))) {
      throw invalidNamespace(namespace, 'it leaves the storage')
    }
    if (container === MULTIPART_FOLDER) throw invalidNamespace(namespace, 'the name is reserved')
    const folder = `${root}/${segments.join('/')}`
    if (folders.size >= NAMESPACE_CACHE_LIMIT) folders.clear()
    folders.set(namespace, folder)
    return folder
  }

  return {
    root,
    namespaceFolder,
    locate(namespace, identifier) {
      if (UNSAFE_PATH.test(identifier)) throw invalidAddress(identifier, 'it has empty or dot segments')
      const key = `${namespaceFolder(namespace)}/${identifier}`
      return { container: root, key, uri: `local://${key}` }
    },
    locateFull(uri) {
      const path = uri.startsWith('local://') ? uri.slice('local://'.length) : ''
      if (!path.startsWith('/')) throw invalidAddress(uri, 'it is not local:// and an absolute path')
      if (UNSAFE_PATH.test(path.slice(1))) throw invalidAddress(uri, 'it has empty or dot segments')
      const real = realPathOf(path)
      const container = roots.find((allowedRoot) => isWithin(allowedRoot, real))
      if (container === undefined) throw invalidAddress(uri, 'it lies outside the storage and the allowed folders')
      if (isWithin(`${root}/${MULTIPART_FOLDER}`, real)) throw invalidAddress(uri, 'the folder is reserved')
      return { container, key: real, uri: `local://${shownPath(path, real)}` }
    },
  }

  /** The address as given when it names the root as configured, so that what was recorded is what is shown. */
  function shownPath(path: string, real: string): string {
    return isWithin(configuredRoot, path) ? path : real
  }
}

/** True when `path` is `folder` or inside it, by whole segments. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** The path with the symbolic links of its existing part resolved; a trailing slash stays. */
function realPathOf(path: string): string {
  let existing = path
  for (;;) {
    try {
      const real = realpathSync.native(existing)
      const rest = path.slice(existing.length)
      return real === '/' ? rest || '/' : real + rest
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw unreadablePath(path, error)
      existing = dirname(existing)
      if (existing === '/') return path
    }
  }
}

function unreadablePath(path: string, cause: unknown): DomainError {
  return new DomainError('address_invalid', `cannot use address "local://${path}": its path cannot be resolved`, {
    cause,
  })
}

function invalidNamespace(namespace: string, state: string): DomainError {
  return new DomainError('namespace_invalid', `cannot use storage namespace "${namespace}": ${state}`)
}

function invalidAddress(address: string, state: string): DomainError {
  return new DomainError('address_invalid', `cannot use address "${address}": ${state}`)
}
