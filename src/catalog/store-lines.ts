/** Text of any length into one object, a bounded part of it in memory. */
import type { BlockAdapter, Location, UploadedPart } from '../block/adapter.ts'

/** S3 wants 5 MiB at least, and takes 10,000 parts. */
const PART_BYTES = 8 * 1024 * 1024
const OPTIONS = { contentType: 'text/plain' }

/**
 * Stores lines, joined by line feeds, at the place that `locate` tells, which is not asked when there are none. Between two parts no
 * turn at the storage is held: the lines may be read from there too.
 *
 * @throws storage_*, and what `lines` or `locate` throws; then what was there before is still there
 */
export async function storeLines(
  adapter: BlockAdapter,
  lines: AsyncIterable<string>,
  locate: () => Location,
  partBytes = PART_BYTES,
): Promise<void> {
  let pending: string[] = []
  let pendingBytes = 0
  let upload: PartedUpload | null = null
  try {
    for await (const line of lines) {
      if (pendingBytes >= partBytes) {
        upload ??= await beginUpload(adapter, locate())
        // The part ends with the line feed before this line.
        await upload.put(`${pending.join('\n')}\n`)
        pending = []
        pendingBytes = 0
      }
      pending.push(line)
      pendingBytes += Buffer.byteLength(line) + 1
    }
    if (pending.length === 0) return
    const rest = pending.join('\n')
    if (upload === null) await adapter.put(locate(), Buffer.from(rest), OPTIONS)
    else {
      await upload.put(rest)
      await upload.complete()
    }
  } catch (error) {
    // The first error is the one to tell; parts that stay are garbage.
    await upload?.abort().catch(() => undefined)
    throw error
  }
}

interface PartedUpload {
  put(text: string): Promise<void>
  complete(): Promise<void>
  abort(): Promise<void>
}

async function beginUpload(adapter: BlockAdapter, location: Location): Promise<PartedUpload> {
  const { uploadId } = await adapter.createMultipart(location, OPTIONS)
  const parts: UploadedPart[] = []
  return {
    async put(text) {
      const partNumber = parts.length + 1
      const { eTag } = await adapter.putPart(location, uploadId, partNumber, Buffer.from(text))
      parts.push({ partNumber, eTag })
    },
    async complete() {
      await adapter.completeMultipart(location, uploadId, parts)
    },
    abort: () => adapter.abortMultipart(location, uploadId),
  }
}
