/**
 * Objects in this process's memory, gone when it ends: for tests and trials. Streams are gathered whole, which is what memory means.
 *
 * Gaps: no presigned URLs, no import.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { BlockAdapter, ByteRange, Location, PutBody, PutOptions } from '../src/block/adapter.ts'
import { gatherBody } from '../src/block/body.ts'
import { compareKeys } from '../src/block/byte-order.ts'
import type { DefinitionOf } from '../src/block/definition.ts'
import { placeOf } from '../src/block/fingerprint.ts'
import { assemble, checkPartNumber } from '../src/block/multipart.ts'
import {
  bucketLocation,
  canonicalInBucket,
  locateFullInBucket,
  locateInBucket,
  namespaceRules,
} from '../src/block/namespace.ts'
import { clampRange, DEFAULT_PAGE_SIZE, notFound } from '../src/block/ranges.ts'
import { DomainError } from '../src/errors.ts'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly eTag: string
  readonly modifiedAtSeconds: number
  readonly storageClass: string | null
}

interface Upload {
  readonly address: string
  readonly options: PutOptions
  readonly parts: Map<number, { bytes: Uint8Array; eTag: string }>
}

/** Opens an empty storage in memory. */
export function createMemAdapter(definition: DefinitionOf<'mem'>): BlockAdapter {
  const objects = new Map<string, StoredObject>()
  const uploads = new Map<string, Upload>()
  const place = placeOf(definition)

  function find(location: Location): StoredObject {
    const object = objects.get(address(location))
    if (object === undefined) throw notFound('read', location)
    return object
  }

  function store(location: Location, bytes: Uint8Array, options: PutOptions): { eTag: string } {
    if (options.ifAbsent === true && objects.has(address(location))) {
      throw new DomainError('storage_exists', `cannot write "${location.uri}": it exists`)
    }
    const eTag = md5(bytes)
    const modifiedAtSeconds = Math.floor(Date.now() / 1000)
    objects.set(address(location), { bytes, eTag, modifiedAtSeconds, storageClass: options.storageClass ?? null })
    return { eTag }
  }

  function findUpload(location: Location, uploadId: string): Upload {
    const upload = uploads.get(uploadId)
    if (upload === undefined || upload.address !== address(location)) throw notFound('continue the upload of', location)
    return upload
  }

  return {
    type: 'mem',
    capabilities: {
      presign: false,
      presignMultipart: false,
      putIfAbsent: true,
      import: false,
      serverSideCopy: true,
      listParts: true,
    },
    rules: namespaceRules(definition),
    place,
    locate: (namespace, identifier) => locateInBucket('mem', namespace, identifier),
    locateFull: (uri) => locateFullInBucket('mem', uri),
    canonicalNamespace: (namespace) => canonicalInBucket('mem', place, namespace),
    canonicalLocation: (location) => canonicalInBucket('mem', place, location.uri),
    ping: () => Promise.resolve(),

    put: async (location, body, options = {}) => store(location, await gatherCopy(body), options),
    async get(location, range) {
      const { bytes } = find(location)
      const body = range === undefined ? bytes : slice(bytes, range, location)
      return { body, sizeBytes: body.length, totalBytes: bytes.length }
    },
    async getTail(location, bytes) {
      const whole = find(location).bytes
      return { bytes: whole.subarray(Math.max(0, whole.length - bytes)), totalBytes: whole.length }
    },
    async properties(location) {
      const { bytes, eTag, modifiedAtSeconds, storageClass } = find(location)
      return { sizeBytes: bytes.length, lastModifiedSeconds: modifiedAtSeconds, eTag, storageClass }
    },
    exists: async (location) => objects.has(address(location)),
    async remove(location) {
      objects.delete(address(location))
    },
    async removeMany(locations) {
      for (const location of locations) objects.delete(address(location))
      return []
    },
    async list(prefix, { startAfter = '', next, limit = DEFAULT_PAGE_SIZE } = {}) {
      const from = `${prefix.container}/`
      const after = next ?? startAfter
      const keys = [...objects.keys()]
        .filter((name) => name.startsWith(from + prefix.key))
        .map((name) => name.slice(from.length))
        .filter((key) => compareKeys(key, after) > 0)
        .sort(compareKeys)
      const page = keys.slice(0, limit).flatMap((key) => {
        const object = objects.get(from + key)
        if (object === undefined) return []
        const location = bucketLocation('mem', prefix.container, key)
        const { bytes, eTag, modifiedAtSeconds } = object
        return [{ location, sizeBytes: bytes.length, lastModifiedSeconds: modifiedAtSeconds, eTag }]
      })
      return { objects: page, next: keys.length > limit ? (page.at(-1)?.location.key ?? null) : null }
    },
    copy: async (from, to) => {
      const { bytes, storageClass } = find(from)
      return store(to, bytes, storageClass === null ? {} : { storageClass })
    },

    async createMultipart(location, options = {}) {
      const uploadId = randomUUID()
      uploads.set(uploadId, { address: address(location), options, parts: new Map() })
      return { uploadId }
    },
    async putPart(location, uploadId, partNumber, body) {
      checkPartNumber(partNumber, location)
      findUpload(location, uploadId)
      const bytes = await gatherCopy(body)
      const eTag = md5(bytes)
      findUpload(location, uploadId).parts.set(partNumber, { bytes, eTag })
      return { eTag }
    },
    async listParts(location, uploadId) {
      return [...findUpload(location, uploadId).parts]
        .map(([partNumber, { bytes, eTag }]) => ({ partNumber, eTag, sizeBytes: bytes.length }))
        .sort((a, b) => a.partNumber - b.partNumber)
    },
    async completeMultipart(location, uploadId, parts) {
      const upload = findUpload(location, uploadId)
      const bytes = Buffer.concat(assemble(upload.parts, parts, location).map((part) => part.bytes))
      const { eTag } = store(location, bytes, upload.options)
      uploads.delete(uploadId)
      return { eTag, sizeBytes: bytes.length }
    },
    async abortMultipart(location, uploadId) {
      findUpload(location, uploadId)
      uploads.delete(uploadId)
    },
    presign: (location) => unsupported(location),
    presignPart: (location) => unsupported(location),
    close: () => Promise.resolve(),
  }
}

function address({ container, key }: Location): string {
  return `${container}/${key}`
}

/** The caller may reuse its buffer after a put, so memory keeps its own. */
async function gatherCopy(body: PutBody): Promise<Uint8Array> {
  return Buffer.from(await gatherBody(body))
}

function slice(bytes: Uint8Array, range: ByteRange, location: Location): Uint8Array {
  const { start, end } = clampRange(range, bytes.length, location)
  return bytes.subarray(start, end)
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

function unsupported(location: Location): Promise<never> {
  return Promise.reject(
    new DomainError('storage_unsupported', `cannot presign "${location.uri}": memory has no URLs of its own`),
  )
}
