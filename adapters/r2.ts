/**
 * A Cloudflare R2 bucket through a Worker's binding. To clients it is `s3://<bucket>/…`, since that is what their namespaces know.
 *
 * By design: one binding is one bucket; namespaces of other buckets are refused.
 * Gaps: the binding has no presigned URLs, no server-side copy and cannot enumerate the parts of an upload.
 */
import type { BlockAdapter, ByteRange, Location, PutBody, PutOptions, PutResult } from '../src/block/adapter.ts'
import { BUFFERED_LIMIT_BYTES, gatherBody, guardBody, isWhole } from '../src/block/body.ts'
import type { DefinitionOf } from '../src/block/definition.ts'
import { placeOf } from '../src/block/fingerprint.ts'
import { checkPartNumber } from '../src/block/multipart.ts'
import {
  bucketLocation,
  canonicalInBucket,
  locateFullInBucket,
  locateInBucket,
  namespaceRules,
} from '../src/block/namespace.ts'
import type { HttpPlatform } from '../src/block/platform.ts'
import { clampRange, DEFAULT_PAGE_SIZE, notFound, unsatisfiable } from '../src/block/ranges.ts'
import { DomainError, isDomainError } from '../src/errors.ts'
import type { R2Bucket, R2Object, R2PutOptions, R2Range, R2Value } from './r2/binding.ts'
import { putUnknown } from './r2/parts.ts'

/** The binding's bound for one `delete`, and for one page of `list`. */
const BATCH = 1000

/** Opens a bucket by its binding. */
export function createR2Adapter(
  definition: DefinitionOf<'r2'>,
  bucket: R2Bucket,
  platform: Pick<HttpPlatform, 'fixedLength'>,
): BlockAdapter {
  const place = placeOf(definition)

  function own(location: Location): Location {
    if (location.container === definition.r2.bucket) return location
    const message = `cannot use "${location.uri}": storage "${definition.id}" is bucket "${definition.r2.bucket}"`
    throw new DomainError('address_invalid', message)
  }

  async function head(location: Location): Promise<R2Object> {
    const object = await attempt('read', location, () => bucket.head(location.key))
    if (object === null) throw notFound('read', location)
    return object
  }

  async function store(location: Location, value: R2Value, options: PutOptions): Promise<PutResult> {
    const stored = await bucket.put(location.key, value, putOptions(options))
    if (stored === null) throw new DomainError('storage_exists', `cannot write "${location.uri}": it exists`)
    return { eTag: stored.etag }
  }

  async function put(location: Location, body: PutBody, options: PutOptions): Promise<PutResult> {
    if (isWhole(body)) return attempt('write', location, () => store(location, body, options))
    const { sizeBytes } = body
    if (sizeBytes === null) {
      return attempt('write', location, () =>
        putUnknown(bucket, location, body, options, httpOptions(options), (bytes) => store(location, bytes, options)),
      )
    }
    if (sizeBytes <= BUFFERED_LIMIT_BYTES) {
      const bytes = await gatherBody(body)
      return attempt('write', location, () => store(location, bytes, options))
    }
    const guarded = guardBody(body)
    return attempt(
      'write',
      location,
      () => store(location, platform.fixedLength(guarded.stream, sizeBytes), options),
      guarded.failure,
    )
  }

  return {
    type: 'r2',
    capabilities: {
      presign: false,
      presignMultipart: false,
      putIfAbsent: true,
      import: true,
      serverSideCopy: false,
      listParts: false,
    },
    rules: namespaceRules(definition),
    place,
    locate: (namespace, identifier) => own(locateInBucket('r2', namespace, identifier)),
    locateFull: (uri) => own(locateFullInBucket('r2', uri)),
    canonicalNamespace: (namespace) => canonicalInBucket('r2', place, namespace),
    canonicalLocation: (location) => canonicalInBucket('r2', place, location.uri),
    async ping() {
      const root = bucketLocation('r2', definition.r2.bucket, '')
      await attempt('reach', root, () => bucket.list({ limit: 1 }))
    },

    put: (location, body, options = {}) => put(location, body, options),
    async get(location, range) {
      if (range === undefined) return read(location, undefined, (size) => size)
      const { start, end } = range
      if (start < 0 || end <= start) throw unsatisfiable(start, end, location)
      try {
        return await read(location, { offset: start, length: end - start }, (size) =>
          lengthOf(clampRange(range, size, location)),
        )
      } catch (error) {
        // What a range past the end answers depends on how far past it is, so the size decides.
        if (isDomainError(error, 'storage_not_found')) throw error
        if (start >= (await head(location)).size) throw unsatisfiable(start, end, location, error)
        throw error
      }
    },
    async getTail(location, bytes) {
      try {
        const { body, totalBytes } = await read(location, { suffix: bytes }, (size) => Math.min(size, bytes))
        const whole = body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer())
        return { bytes: whole, totalBytes }
      } catch (error) {
        if (!isDomainError(error, 'range_not_satisfiable') || (await head(location)).size > 0) throw error
        return { bytes: new Uint8Array(0), totalBytes: 0 }
      }
    },
    async properties(location) {
      const { size, uploaded, etag, storageClass } = await head(location)
      return {
        sizeBytes: size,
        lastModifiedSeconds: Math.floor(uploaded.getTime() / 1000),
        eTag: etag,
        // Miniflare says "" for an object without one.
        storageClass: storageClass || null,
      }
    },
    exists: async (location) => (await attempt('read', location, () => bucket.head(location.key))) !== null,
    remove: (location) => attempt('remove', location, () => bucket.delete(location.key)),
    async removeMany(locations) {
      const failures: { location: Location; error: Error }[] = []
      for (let at = 0; at < locations.length; at += BATCH) {
        const batch = locations.slice(at, at + BATCH)
        const [first] = batch
        if (first === undefined) break
        try {
          await attempt('remove', first, () => bucket.delete(batch.map((location) => location.key)))
        } catch (error) {
          const failure = error instanceof Error ? error : new Error(String(error))
          failures.push(...batch.map((location) => ({ location, error: failure })))
        }
      }
      return failures
    },
    async list(prefix, { startAfter, next, limit = DEFAULT_PAGE_SIZE } = {}) {
      const page = await attempt('list', prefix, () =>
        bucket.list({
          prefix: prefix.key,
          limit: Math.min(limit, BATCH),
          ...(next === undefined ? {} : { cursor: next }),
          ...(startAfter === undefined || next !== undefined ? {} : { startAfter }),
        }),
      )
      const objects = page.objects.map(({ key, size, uploaded, etag }) => ({
        location: bucketLocation('r2', prefix.container, key),
        sizeBytes: size,
        lastModifiedSeconds: Math.floor(uploaded.getTime() / 1000),
        eTag: etag,
      }))
      return { objects, next: page.truncated ? (page.cursor ?? null) : null }
    },
    async copy(from, to) {
      const { body, sizeBytes } = await read(from, undefined, (size) => size)
      if (body instanceof Uint8Array) return put(to, body, {})
      return put(to, { stream: body instanceof Blob ? body.stream() : body, sizeBytes }, {})
    },

    async createMultipart(location, options = {}) {
      const { uploadId } = await attempt('begin an upload of', location, () =>
        bucket.createMultipartUpload(location.key, httpOptions(options)),
      )
      return { uploadId }
    },
    async putPart(location, uploadId, partNumber, body) {
      checkPartNumber(partNumber, location)
      const guarded = isWhole(body) ? null : guardBody(body)
      const sizeBytes = isWhole(body) ? body.length : body.sizeBytes
      const value =
        isWhole(body) || guarded === null || sizeBytes === null || sizeBytes <= BUFFERED_LIMIT_BYTES
          ? await gatherBody(guarded === null ? body : { stream: guarded.stream, sizeBytes })
          : platform.fixedLength(guarded.stream, sizeBytes)
      const { etag } = await attempt(
        `write part ${partNumber} of`,
        location,
        () => bucket.resumeMultipartUpload(location.key, uploadId).uploadPart(partNumber, value),
        guarded?.failure,
      )
      return { eTag: etag }
    },
    listParts: () => unsupported('list the parts of an upload'),
    async completeMultipart(location, uploadId, named) {
      if (named.length === 0) {
        throw new DomainError('invalid_argument', `cannot complete "${location.uri}": no part is named`)
      }
      const { etag, size } = await attempt('complete the upload of', location, () =>
        bucket
          .resumeMultipartUpload(location.key, uploadId)
          .complete(named.map(({ partNumber, eTag }) => ({ partNumber, etag: eTag }))),
      )
      return { eTag: etag, sizeBytes: size }
    },
    abortMultipart: (location, uploadId) =>
      attempt('abort the upload of', location, () => bucket.resumeMultipartUpload(location.key, uploadId).abort()),
    presign: () => unsupported('presign'),
    presignPart: () => unsupported('presign'),
    close: () => Promise.resolve(),
  }

  async function read(
    location: Location,
    range: R2Range | undefined,
    expectedBytes: (totalBytes: number) => number,
  ): Promise<{ body: Uint8Array | ReadableStream<Uint8Array>; sizeBytes: number; totalBytes: number }> {
    return attempt('read', location, async () => {
      const object = await bucket.get(location.key, range === undefined ? undefined : { range })
      if (object === null) throw notFound('read', location)
      const totalBytes = object.size
      const sizeBytes = expectedBytes(totalBytes)
      if (sizeBytes > BUFFERED_LIMIT_BYTES) return { body: object.body, sizeBytes, totalBytes }
      const body = new Uint8Array(await object.arrayBuffer())
      if (body.length !== sizeBytes) throw new Error(`the answer ended after ${body.length} of ${sizeBytes} bytes`)
      return { body, sizeBytes, totalBytes }
    })
  }
}

function lengthOf({ start, end }: ByteRange): number {
  return end - start
}

function httpOptions({ contentType, storageClass }: PutOptions): R2PutOptions {
  return {
    ...(contentType === undefined ? {} : { httpMetadata: { contentType } }),
    ...(storageClass === undefined ? {} : { storageClass }),
  }
}

function putOptions(options: PutOptions): R2PutOptions {
  const conditional = options.ifAbsent === true ? { onlyIf: new Headers({ 'if-none-match': '*' }) } : {}
  return { ...httpOptions(options), ...conditional }
}

/** R2 reports failures as `<operation>: <text> (<number>)`; https://developers.cloudflare.com/r2/api/error-codes/. */
const CODES: Readonly<Record<string, 'storage_not_found' | 'invalid_argument' | 'range_not_satisfiable'>> = {
  10007: 'storage_not_found',
  10024: 'storage_not_found',
  10025: 'invalid_argument',
  10011: 'invalid_argument',
  10048: 'invalid_argument',
  10039: 'range_not_satisfiable',
}

async function attempt<Result>(
  action: string,
  location: Location,
  work: () => Promise<Result>,
  sourceFailure?: () => DomainError | null,
): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    const failure = sourceFailure?.() ?? null
    if (failure !== null) throw failure
    if (isDomainError(cause)) throw cause
    const text = cause instanceof Error ? cause.message : String(cause)
    const code = CODES[/\((\d+)\)\s*$/.exec(text)?.[1] ?? ''] ?? 'storage_unavailable'
    throw new DomainError(code, `cannot ${action} "${location.uri}": ${text}`, { cause })
  }
}

function unsupported(action: string): Promise<never> {
  return Promise.reject(new DomainError('storage_unsupported', `cannot ${action}: R2's binding has no such operation`))
}
