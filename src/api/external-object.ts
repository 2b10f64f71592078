/** What the two operations that make entries of stored bytes have in common. */
import * as v from 'valibot'
import { databaseText } from './body.ts'
import { isHeaderText } from './header-text.ts'
import type { ApiRequest } from './request.ts'
import { timestampSeconds } from './times.ts'

/** It goes out as the ETag. */
export const headerText = v.check(isHeaderText, 'must not contain control characters or any beyond U+00FF')

export const externalFields = {
  size_bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0, 'must not be negative')),
  mtime: v.nullish(timestampSeconds),
  content_type: v.nullish(databaseText),
  force: v.nullish(v.boolean()),
}

const external = v.object({ ...externalFields, checksum: v.string() })

/** Where the entry goes and what is said about it, as the catalog takes it. */
export function externalOf(request: ApiRequest, body: v.InferOutput<typeof external>) {
  return {
    repository: request.param('repository'),
    branch: request.param('branch'),
    path: request.query.requiredBytes('path'),
    force: body.force ?? false,
    checksum: body.checksum,
    sizeBytes: body.size_bytes,
    mtimeSeconds: body.mtime ?? null,
    contentType: body.content_type?.trim() || null,
  }
}
