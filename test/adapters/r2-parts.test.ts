import { expect, test } from 'vitest'
import type { R2Bucket, R2MultipartUpload } from '../../adapters/r2/binding.ts'
import { createR2Adapter } from '../../adapters/r2.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { workerdHttp } from '../../src/runtime/workerd.ts'
import { refused } from '../block/adapter-contract.ts'
import { r2Definition } from '../support/definitions.ts'

/** More than one part, and then a source that is still open. */
function openBody() {
  const state = { cancelled: false }
  let chunks = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (chunks++ < 17) controller.enqueue(Buffer.alloc(1024 ** 2))
      else return new Promise(() => undefined)
      return undefined
    },
    cancel() {
      state.cancelled = true
    },
  })
  return { state, body: { stream, sizeBytes: null } }
}

/** The part of a binding that these uploads meet before they fail. */
function failingBucket(begin: () => Promise<R2MultipartUpload>): R2Bucket {
  return Object.assign(Object.create(null), { createMultipartUpload: begin })
}

test('a stream of unknown length is let go when its upload cannot begin', async () => {
  const bucket = failingBucket(() => Promise.reject(new Error('createMultipartUpload: internal error (10001)')))
  const adapter = createR2Adapter(r2Definition('bucket'), bucket, workerdHttp)
  const { state, body } = openBody()
  await refused(adapter.put(adapter.locate('s3://bucket/x' as StorageNamespace, 'a'), body), 'storage_unavailable')
  expect(state.cancelled).toBe(true)
})

test('and when a part is refused, whose upload is aborted', async () => {
  let aborted = false
  const bucket = failingBucket(async () => ({
    uploadId: 'u',
    uploadPart: (partNumber) =>
      partNumber === 1
        ? Promise.resolve({ partNumber, etag: 'e' })
        : Promise.reject(new Error('uploadPart: internal error (10001)')),
    complete: () => Promise.reject(new Error('there is nothing to complete')),
    abort: async () => {
      aborted = true
    },
  }))
  const adapter = createR2Adapter(r2Definition('bucket'), bucket, workerdHttp)
  const { state, body } = openBody()
  await refused(adapter.put(adapter.locate('s3://bucket/x' as StorageNamespace, 'a'), body), 'storage_unavailable')
  expect([state.cancelled, aborted]).toEqual([true, true])
})
