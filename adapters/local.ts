/**
 * Objects as files: `<root>/<namespace>/<identifier>`, the layout of lakeFS's local block store.
 *
 * By design: a put answers when bytes and name are on the disk (switch: `fsync`); unfinished objects are never listed or read.
 * Gaps: no presigned URLs; content types and storage classes are not kept; names that the file system would fold (`a//b`, dot
 * segments) are refused.
 */
import { accessSync, constants, mkdirSync, realpathSync, unlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BlockAdapter, Location, PutBody } from '../src/block/adapter.ts'
import type { DefinitionOf } from '../src/block/definition.ts'
import { namespaceRules } from '../src/block/namespace.ts'
import type { LocalPlatform } from '../src/block/platform.ts'
import { DEFAULT_PAGE_SIZE } from '../src/block/ranges.ts'
import { DomainError } from '../src/errors.ts'
import { diskError, errnoOf } from './local/errors.ts'
import { createFolders } from './local/folders.ts'
import { listFiles } from './local/list.ts'
import { createLocalMultipart } from './local/multipart.ts'
import { createLocalPaths } from './local/paths.ts'
import { fileProperties, readFile, readTail } from './local/read.ts'
import { createWriter } from './local/write.ts'

/** Opens a storage on disk, making its root (mode 0700) when it is missing. @throws storage_forbidden, storage_unavailable, … when it cannot */
export function createLocalAdapter(definition: DefinitionOf<'local'>, platform: LocalPlatform): BlockAdapter {
  const { path, importEnabled, importHidden, allowedExternalPrefixes, fsync } = definition.local
  const configuredRoot = resolve(path)
  const root = openRoot(configuredRoot)
  const paths = createLocalPaths(root, configuredRoot, allowedExternalPrefixes)
  const folders = createFolders(fsync)
  const writer = createWriter(folders, fsync)
  const multipart = createLocalMultipart(root, folders, writer)
  const done = { eTag: null }

  function removeFile(location: Location): void {
    try {
      unlinkSync(location.key)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw diskError('remove', location, error)
    }
  }

  return {
    type: 'local',
    capabilities: {
      presign: false,
      presignMultipart: false,
      putIfAbsent: true,
      import: importEnabled,
      serverSideCopy: true,
      listParts: true,
    },
    rules: namespaceRules(definition),
    place: `local:${root}`,
    locate: paths.locate,
    locateFull: paths.locateFull,
    canonicalNamespace: (namespace) => ['local', ...paths.namespaceFolder(namespace).split('/').slice(1)],
    canonicalLocation: (location) => ['local', ...location.key.split('/').slice(1)],
    async ping() {
      try {
        accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK)
      } catch (error) {
        throw rootError(root, error)
      }
    },

    async put(location, body: PutBody, options = {}) {
      await writer.put(location, body, options)
      return done
    },
    get: (location, range) => readFile(platform, location, range),
    getTail: readTail,
    properties: async (location) => fileProperties(location),
    async exists(location) {
      try {
        fileProperties(location)
        return true
      } catch (error) {
        if (error instanceof DomainError && error.code === 'storage_not_found') return false
        throw error
      }
    },
    remove: async (location) => removeFile(location),
    async removeMany(locations) {
      const failures: { location: Location; error: Error }[] = []
      for (const location of locations) {
        try {
          removeFile(location)
        } catch (cause) {
          failures.push({ location, error: diskError('remove', location, cause) })
        }
      }
      return failures
    },
    list: (prefix, { startAfter = '', next, limit = DEFAULT_PAGE_SIZE } = {}) =>
      listFiles(prefix, { root, importHidden, after: next ?? startAfter, limit }),
    async copy(from, to) {
      fileProperties(from)
      await writer.copy(from, to)
      return done
    },

    createMultipart: async (location) => ({ uploadId: await multipart.create(location) }),
    putPart: multipart.putPart,
    listParts: async (location, uploadId) =>
      (await multipart.listParts(location, uploadId)).map(({ partNumber, eTag, sizeBytes }) => ({
        partNumber,
        eTag,
        sizeBytes,
      })),
    completeMultipart: async (location, uploadId, parts) => ({
      eTag: null,
      ...(await multipart.complete(location, uploadId, parts)),
    }),
    abortMultipart: multipart.abort,
    presign: (location) => unsupported(location),
    presignPart: (location) => unsupported(location),
    close: () => Promise.resolve(),
  }
}

function openRoot(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return realpathSync.native(path)
  } catch (error) {
    throw rootError(path, error)
  }
}

function rootError(path: string, error: unknown): DomainError {
  return diskError('open the folder', { container: path, key: path, uri: path }, error)
}

function unsupported(location: Location): Promise<never> {
  return Promise.reject(
    new DomainError('storage_unsupported', `cannot presign "${location.uri}": a disk has no URLs of its own`),
  )
}
