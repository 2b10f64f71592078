/** What is used of an R2 bucket binding (https://developers.cloudflare.com/r2/api/workers/workers-api-reference/). */

export type R2Value = Uint8Array | ReadableStream<Uint8Array>

export type R2Range = { readonly offset: number; readonly length: number } | { readonly suffix: number }

export interface R2Object {
  readonly key: string
  readonly size: number
  /** Not quoted. */
  readonly etag: string
  readonly uploaded: Date
  readonly storageClass?: string
}

export interface R2ObjectBody extends R2Object {
  readonly body: ReadableStream<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
}

export interface R2PutOptions {
  readonly onlyIf?: Headers
  readonly httpMetadata?: { readonly contentType?: string }
  readonly storageClass?: string
}

export interface R2MultipartUpload {
  readonly uploadId: string
  uploadPart(partNumber: number, value: R2Value): Promise<{ readonly partNumber: number; readonly etag: string }>
  complete(parts: readonly { readonly partNumber: number; readonly etag: string }[]): Promise<R2Object>
  abort(): Promise<void>
}

export interface R2Bucket {
  head(key: string): Promise<R2Object | null>
  /** A range is cut to the object's size; one that starts past it fails. */
  get(key: string, options?: { readonly range?: R2Range }): Promise<R2ObjectBody | null>
  /** Null when `onlyIf` was not met. */
  put(key: string, value: R2Value, options?: R2PutOptions): Promise<R2Object | null>
  delete(keys: string | string[]): Promise<void>
  list(options: {
    readonly prefix?: string
    readonly limit?: number
    readonly cursor?: string
    readonly startAfter?: string
  }): Promise<{ readonly objects: readonly R2Object[]; readonly truncated: boolean; readonly cursor?: string }>
  createMultipartUpload(key: string, options?: R2PutOptions): Promise<R2MultipartUpload>
  resumeMultipartUpload(key: string, uploadId: string): R2MultipartUpload
}
