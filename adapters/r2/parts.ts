/** Bodies of unknown length on R2, in parts gathered in memory. */
import type { Location, PutOptions, PutResult } from '../../src/block/adapter.ts'
import { gatherParts, readBody, type StreamBody } from '../../src/block/body.ts'
import { DomainError } from '../../src/errors.ts'
import type { R2Bucket, R2MultipartUpload, R2PutOptions } from './binding.ts'

/** R2 wants all parts of one size, 5 MiB at least, the last excepted; a Worker has 128 MB. */
const PART_BYTES = 8 * 1024 ** 2

/**
 * Stores a stream of unknown length: in one put when it fits into a part, else as an upload that is aborted on failure.
 * @throws storage_unsupported for a put-if-absent that needs an upload: completing one cannot be conditional
 */
export async function putUnknown(
  bucket: R2Bucket,
  location: Location,
  body: StreamBody,
  options: PutOptions,
  uploadOptions: R2PutOptions,
  putWhole: (bytes: Uint8Array) => Promise<PutResult>,
): Promise<PutResult> {
  const reader = readBody(body)
  const chunks = gatherParts(reader, PART_BYTES)
  const first = await chunks.next()
  if (first.done === true) return putWhole(new Uint8Array(0))
  if (first.value.length < PART_BYTES) return putWhole(first.value)
  if (options.ifAbsent === true) {
    await reader.cancel(undefined)
    throw new DomainError(
      'storage_unsupported',
      `cannot write "${location.uri}" if absent: R2 can do that only for bodies of known length`,
    )
  }
  let upload: R2MultipartUpload | null = null
  try {
    upload = await bucket.createMultipartUpload(location.key, uploadOptions)
    const parts = [await upload.uploadPart(1, first.value)]
    for await (const part of chunks) parts.push(await upload.uploadPart(parts.length + 1, part))
    return { eTag: (await upload.complete(parts)).etag }
  } catch (error) {
    await reader.cancel(error)
    await upload?.abort().catch(() => undefined)
    throw error
  }
}
