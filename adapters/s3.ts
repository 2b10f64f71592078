/**
 * Amazon S3 and everything that speaks its protocol. Requests are signed by aws4fetch and sent by the platform's `fetch`.
 *
 * By design: object bodies go unsigned (`UNSIGNED-PAYLOAD`, as lakeFS does), so they are neither hashed here nor buffered; keys with
 * dot segments are refused, since `fetch` would ask for another key.
 * Client quirks: MinIO, Ceph and R2 differ in little; what is optional (DeleteObjects) has a fallback.
 */
import type { BlockAdapter } from '../src/block/adapter.ts'
import { gatherBody, isWhole } from '../src/block/body.ts'
import type { DefinitionOf, S3Settings } from '../src/block/definition.ts'
import { placeOf } from '../src/block/fingerprint.ts'
import { checkPartNumber } from '../src/block/multipart.ts'
import { canonicalInBucket, locateFullInBucket, locateInBucket, namespaceRules } from '../src/block/namespace.ts'
import type { CredentialProvider, HttpPlatform } from '../src/block/platform.ts'
import { DomainError, isDomainError } from '../src/errors.ts'
import { createS3Client } from './s3/client.ts'
import { deleteObjects, listObjects } from './s3/many.ts'
import {
  abortUpload,
  completeUpload,
  copyInParts,
  createUpload,
  isSized,
  listUploadParts,
  type MultipartSizes,
  partQuery,
  putInParts,
  S3_SIZES,
  uploadPart,
} from './s3/multipart.ts'
import { copyObject, deleteObject, getObject, getObjectTail, headObject, putObject } from './s3/objects.ts'
import { downloadQuery, presignObject } from './s3/presign.ts'

/** Opens an S3 storage; nothing is asked of it yet. @throws storage_unsupported without credentials, or for what the platform cannot do */
export function createS3Adapter(
  definition: DefinitionOf<'s3'>,
  platform: HttpPlatform,
  sizes: MultipartSizes = S3_SIZES,
): BlockAdapter {
  const settings = definition.s3
  const client = createS3Client(settings, chooseCredentials(settings, platform), platform)
  const place = placeOf(definition)
  const presign = !settings.disablePreSigned
  const presignMultipart = presign && !settings.disablePreSignedMultipart

  return {
    type: 's3',
    capabilities: {
      presign,
      presignMultipart,
      putIfAbsent: true,
      import: true,
      serverSideCopy: true,
      listParts: true,
    },
    rules: namespaceRules(definition),
    place,
    locate: (namespace, identifier) => locateInBucket('s3', namespace, identifier),
    locateFull: (uri) => locateFullInBucket('s3', uri),
    canonicalNamespace: (namespace) => canonicalInBucket('s3', place, namespace),
    canonicalLocation: (location) => canonicalInBucket('s3', place, location.uri),

    async ping() {
      const location = { container: '', key: '', uri: settings.endpoint ?? 's3://' }
      try {
        await client.send({ method: 'GET', target: 'service', location, action: 'reach', retry: 'any' }, (response) =>
          response.arrayBuffer(),
        )
      } catch (error) {
        // Keys that may not list buckets are usual, and any answer but a failure shows that the storage is there.
        if (!isDomainError(error) || error.code === 'storage_unavailable') throw error
        if (error.code === 'storage_forbidden' && !error.message.includes('AccessDenied')) throw error
      }
    },

    async put(location, body, options = {}) {
      if (isSized(body) && (isWhole(body) || body.sizeBytes <= sizes.singleLimitBytes)) {
        const sent = !isWhole(body) && body.sizeBytes === 0 ? await gatherBody(body) : body
        return putObject(client, settings, location, sent, options)
      }
      if (isWhole(body)) return putObject(client, settings, location, body, options)
      return putInParts(client, settings, sizes, location, body, options)
    },
    get: (location, range) => getObject(client, location, range),
    getTail: (location, bytes) => getObjectTail(client, location, bytes),
    properties: (location) => headObject(client, location),
    async exists(location) {
      try {
        await headObject(client, location)
        return true
      } catch (error) {
        if (isDomainError(error, 'storage_not_found')) return false
        throw error
      }
    },
    remove: (location) => deleteObject(client, location),
    removeMany: (locations) => deleteObjects(client, locations),
    list: (prefix, options = {}) => listObjects(client, prefix, options),
    async copy(from, to) {
      try {
        return await copyObject(client, settings, from, to)
      } catch (error) {
        // S3 answers InvalidRequest for sources above 5 GiB. Asking for the size first would cost every copy a request.
        if (!isDomainError(error) || !error.message.includes('InvalidRequest')) throw error
        return copyInParts(client, settings, sizes, from, to)
      }
    },

    createMultipart: async (location, options = {}) => ({
      uploadId: await createUpload(client, settings, location, options),
    }),
    async putPart(location, uploadId, partNumber, body) {
      checkPartNumber(partNumber, location)
      const sized = isSized(body) && (isWhole(body) || body.sizeBytes > 0) ? body : await gatherBody(body)
      return uploadPart(client, location, uploadId, partNumber, sized)
    },
    listParts: (location, uploadId) => listUploadParts(client, location, uploadId),
    async completeMultipart(location, uploadId, parts) {
      const { eTag } = await completeUpload(client, location, uploadId, parts, false)
      return { eTag, sizeBytes: (await headObject(client, location)).sizeBytes }
    },
    abortMultipart: (location, uploadId) => abortUpload(client, location, uploadId),

    async presign(location, method, options = {}) {
      if (!presign) throw disabled('presigned URLs')
      const query = method === 'GET' ? downloadQuery(options.downloadName) : []
      return presignObject(client, settings, method, location, query)
    },
    async presignPart(location, uploadId, partNumber) {
      if (!presignMultipart) throw disabled('presigned multipart uploads')
      return presignObject(client, settings, 'PUT', location, partQuery(uploadId, partNumber))
    },
    close: () => Promise.resolve(),
  }

  function disabled(what: string): DomainError {
    return new DomainError('storage_unsupported', `cannot presign: storage "${definition.id}" has ${what} disabled`)
  }
}

function chooseCredentials(settings: S3Settings, platform: HttpPlatform): CredentialProvider {
  const { credentials } = settings
  if (credentials !== null) return () => Promise.resolve({ ...credentials, expiresAtSeconds: null })
  if (platform.s3Credentials !== undefined) return platform.s3Credentials(settings)
  throw new DomainError(
    'storage_unsupported',
    'no credentials are configured (s3.credentials), and the default credential chain is not supported by this build',
  )
}
