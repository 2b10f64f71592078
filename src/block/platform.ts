/**
 * What adapters need of the runtime they run on. The entries hand these in (`src/runtime/` has the implementations), so that no
 * adapter asks where it is.
 */
import type { S3Credentials, S3Settings } from './definition.ts'

/** Files as bodies: the one thing about disks in which the runtimes differ. */
export interface LocalPlatform {
  /**
   * Body of the bytes `start` (inclusive) to `end` (exclusive) of a file that is there and that long. Owns `fd`, an open descriptor
   * of the file, and closes it when the body has been read, fails or is cancelled; one that does not need it closes it at once.
   */
  fileBody(fd: number, path: string, start: number, end: number): ReadableStream<Uint8Array> | Blob
}

/** HTTP as the S3 adapter needs it. */
export interface HttpPlatform {
  fetch(url: string, init: HttpInit): Promise<Response>
  /** The same without verifying certificates; absent where the runtime cannot. */
  readonly insecureFetch?: (url: string, init: HttpInit) => Promise<Response>
  /**
   * For requests that stream a body: `error` on Node and Bun (with anything else Node keeps a copy of the whole body to be able to
   * follow a redirect), `manual` on workerd (which knows no `error`).
   */
  readonly streamRedirect: 'error' | 'manual'
  /** A stream of exactly `sizeBytes` bytes that `fetch` sends with a Content-Length: identity, on workerd a FixedLengthStream. */
  fixedLength(stream: ReadableStream<Uint8Array>, sizeBytes: number): ReadableStream<Uint8Array>
  /** Where S3 credentials come from when the settings name none; absent: such storages are refused. */
  readonly s3Credentials?: (settings: S3Settings) => CredentialProvider
}

/** What is passed to `fetch`. */
export interface HttpInit {
  readonly method: string
  readonly headers: Headers
  readonly body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
  readonly redirect: 'error' | 'manual'
  readonly signal: AbortSignal
  /** Needed wherever `body` is a stream. */
  readonly duplex?: 'half'
}

/** Credentials with the second after which they are void (null: never). */
export interface ExpiringCredentials extends S3Credentials {
  readonly expiresAtSeconds: number | null
}

/** Gives valid credentials, renewing them as needed. @throws storage_forbidden, storage_unavailable */
export type CredentialProvider = () => Promise<ExpiringCredentials>
