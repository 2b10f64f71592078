/**
 * One request to S3: region, signature (aws4fetch), deadline, retries with jittered backoff. A request is tried again only when its
 * body can be sent again, and one that must not happen twice only when the storage said that it did nothing.
 */
import { AwsV4Signer } from 'aws4fetch'
import type { Location } from '../../src/block/adapter.ts'
import { type BodyReader, isWhole, readBody, type StreamBody, sourceFailure } from '../../src/block/body.ts'
import type { S3Settings } from '../../src/block/definition.ts'
import type { CredentialProvider, HttpInit, HttpPlatform } from '../../src/block/platform.ts'
import { DomainError, isDomainError } from '../../src/errors.ts'
import { bucketUrl, objectUrl, type Query, queryText, serviceUrl } from './endpoint.ts'
import { networkError, readRefusal, refusalError, type S3Refusal } from './errors.ts'

/** A stream of known length. */
export type SizedStream = StreamBody & { readonly sizeBytes: number }

/** One request. */
export interface S3Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly target: 'object' | 'bucket' | 'service'
  readonly location: Location
  /** For messages: `read`, `write`, … */
  readonly action: string
  readonly query?: Query
  /** Signed, unless aws4fetch cannot sign them (`range`, `content-type`). */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | SizedStream
  /** `refused`: only when the storage said that it did nothing (503, 429, 409 conflicts), because a second time has another meaning. */
  readonly retry: 'any' | 'refused'
  readonly signal?: AbortSignal
}

/** Sends requests of one storage. */
export interface S3Client {
  /** Sends and hands the 2xx answer to `consume`, which is under the same deadline and is tried again as the request is. */
  send<Result>(call: S3Call, consume: (response: Response) => Promise<Result>): Promise<Result>
  /** Region of a bucket. */
  regionOf(bucket: string): Promise<string>
  readonly credentials: CredentialProvider
}

const ANSWER_MS = 30_000
/** A body may take this long per MiB on top: 64 KiB/s. */
const UPLOAD_MS_PER_MIB = 16_000
/** A streamed body may pause this long: its sender is a client far away. */
const STREAM_IDLE_MS = 5 * 60_000
const DISCOVERY_MS = 5000
const BACKOFF_MS = 50
const MAX_BACKOFF_MS = 5000

/** What one attempt ended with, when it was no success. */
type Failure =
  | { readonly kind: 'refusal'; readonly refusal: S3Refusal }
  | { readonly kind: 'network'; readonly cause: unknown }

export function createS3Client(
  settings: S3Settings,
  credentials: CredentialProvider,
  platform: HttpPlatform,
): S3Client {
  const keyCache = new Map<string, ArrayBuffer>()
  /** What is known, not what is being asked: on Workers no request may wait for another's I/O. */
  const regions = new Map<string, string>()
  const fetch = chooseFetch(settings, platform)

  async function request(
    call: S3Call,
    region: string,
    body: HttpInit['body'] | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials()
    const signer = new AwsV4Signer({
      method: call.method,
      url: urlOf(settings, call, region),
      headers: { ...call.headers },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === null ? {} : { sessionToken }),
      service: 's3',
      region,
      cache: keyCache,
    })
    const { url, headers } = await signer.sign()
    // Unsigned, since proxies rewrite it: nobody may compress on the way, sizes would not fit.
    headers.set('accept-encoding', 'identity')
    const isStream = body instanceof ReadableStream
    if (isStream && call.body !== undefined && !isWhole(call.body)) {
      headers.set('content-length', String(call.body.sizeBytes))
    }
    return fetch(url.href, {
      method: call.method,
      headers,
      signal,
      redirect: isStream ? platform.streamRedirect : 'manual',
      ...(body === undefined ? {} : { body }),
      ...(isStream ? { duplex: 'half' } : {}),
    })
  }

  async function attempt<Result>(
    call: S3Call,
    region: string,
    reader: BodyReader | null,
    consume: (response: Response) => Promise<Result>,
  ): Promise<{ result: Result } | Failure> {
    const deadline = startDeadline(call, reader === null ? null : STREAM_IDLE_MS)
    const signal = call.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, call.signal])
    let sourceError: DomainError | null = null
    try {
      const body = bodyOf(call, reader, platform, deadline.extend, (error) => {
        sourceError = error
      })
      const response = await request(call, region, body, signal)
      if (!response.ok) return { kind: 'refusal', refusal: await readRefusal(response) }
      return { result: await consume(response) }
    } catch (cause) {
      if (sourceError !== null) throw sourceError
      if (call.signal?.aborted === true) throw givenUp(call, cause)
      if (isDomainError(cause)) throw cause
      return { kind: 'network', cause: deadline.signal.aborted ? deadline.signal.reason : cause }
    } finally {
      deadline.stop()
    }
  }

  async function send<Result>(call: S3Call, consume: (response: Response) => Promise<Result>): Promise<Result> {
    let region = call.target === 'service' ? settings.region : await regionOf(call.location.container)
    const reader = call.body === undefined || isWhole(call.body) ? null : readBody(call.body)
    try {
      refuseUnsendable(call)
      for (let tries = 0; ; tries++) {
        const outcome = await attempt(call, region, reader, consume)
        if ('result' in outcome) return outcome.result
        const isResendable = reader === null || reader.seenBytes === 0
        const moved = outcome.kind === 'refusal' ? movedTo(outcome.refusal, region) : null
        if (moved !== null && isResendable && tries === 0) {
          region = moved
          regions.set(call.location.container, moved)
          continue
        }
        if (!isResendable || tries >= settings.maxRetries || !mayRetry(call, outcome)) throw failureError(call, outcome)
        await pause(Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** tries))
      }
    } catch (error) {
      await reader?.cancel(error)
      throw error
    }
  }

  async function regionOf(bucket: string): Promise<string> {
    return settings.discoverBucketRegion ? (regions.get(bucket) ?? discover(bucket)) : settings.region
  }

  /** HEAD of a bucket names its region even when it is refused. Without an answer the configured region serves, until asked again. */
  async function discover(bucket: string): Promise<string> {
    const location = { container: bucket, key: '', uri: `s3://${bucket}` }
    const call: S3Call = { method: 'HEAD', target: 'bucket', location, action: 'find the region of', retry: 'any' }
    try {
      const response = await request(call, settings.region, undefined, AbortSignal.timeout(DISCOVERY_MS))
      const region = response.headers.get('x-amz-bucket-region') || settings.region
      regions.set(bucket, region)
      return region
    } catch {
      return settings.region
    }
  }

  return { send, regionOf, credentials }
}

/** Bytes that a header's value may have (RFC 9110, field-value): no control characters, nothing wider than latin-1. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** `fetch` throws on such a header before it asks anybody: that is no failure of the network. @throws invalid_argument */
function refuseUnsendable(call: S3Call): void {
  for (const [name, value] of Object.entries(call.headers ?? {})) {
    if (HEADER_VALUE.test(value)) continue
    const message = `cannot ${call.action} "${call.location.uri}": ${name} ${JSON.stringify(value)} has characters that no header can carry`
    throw new DomainError('invalid_argument', message)
  }
}

/** URL of a call, not signed. @throws address_invalid */
function urlOf(settings: S3Settings, call: S3Call, region: string): string {
  const query = queryText(call.query ?? [])
  if (call.target === 'service') return `${serviceUrl(settings, region)}/${query}`
  const base = bucketUrl(settings, region, call.location.container)
  return call.target === 'bucket' ? `${base}/${query}` : `${objectUrl(base, call.location)}${query}`
}

function chooseFetch(settings: S3Settings, platform: HttpPlatform): HttpPlatform['fetch'] {
  if (!settings.skipVerifyCertificateTestOnly) return platform.fetch
  if (platform.insecureFetch !== undefined) return platform.insecureFetch
  throw new DomainError(
    'storage_unsupported',
    'skip_verify_certificate_test_only needs the Bun runtime: this one always verifies certificates',
  )
}

/** The body of one attempt. A stream hands out the source's chunks one at a time and remembers what the source failed with. */
function bodyOf(
  call: S3Call,
  reader: BodyReader | null,
  platform: HttpPlatform,
  onChunk: () => void,
  onFailure: (error: DomainError) => void,
): HttpInit['body'] | undefined {
  if (call.body === undefined) return undefined
  if (isWhole(call.body)) return call.body as Uint8Array<ArrayBuffer>
  if (reader === null) return undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let chunk: Uint8Array | null
        try {
          chunk = await reader.next()
        } catch (error) {
          const failure = sourceFailure(error)
          onFailure(failure)
          return controller.error(failure)
        }
        // These throw when the storage has given the stream up meanwhile, which is no failure of the source.
        if (chunk === null) return controller.close()
        onChunk()
        controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
  return platform.fixedLength(stream, call.body.sizeBytes)
}

interface Deadline {
  readonly signal: AbortSignal
  /** Starts the wait anew. */
  extend(): void
  stop(): void
}

function startDeadline(call: S3Call, idleMs: number | null): Deadline {
  const controller = new AbortController()
  const bodyBytes = call.body === undefined || !isWhole(call.body) ? 0 : call.body.length
  const waitMs = idleMs ?? ANSWER_MS + Math.ceil((bodyBytes / 1024 ** 2) * UPLOAD_MS_PER_MIB)
  const start = () =>
    setTimeout(() => controller.abort(new Error(`the storage did not answer within ${waitMs} ms`)), waitMs)
  let timer = start()
  return {
    signal: controller.signal,
    extend() {
      clearTimeout(timer)
      timer = start()
    },
    stop: () => clearTimeout(timer),
  }
}

const REFUSED_CODES = new Set([
  'ConditionalRequestConflict',
  'OperationAborted',
  'RequestTimeout',
  'SlowDown',
  'ServiceUnavailable',
])

function mayRetry(call: S3Call, outcome: Failure): boolean {
  if (outcome.kind === 'network') return call.retry === 'any'
  const { status, code } = outcome.refusal
  if (status === 429 || REFUSED_CODES.has(code)) return true
  return call.retry === 'any' && status >= 500 && status !== 501 && status !== 507
}

function movedTo({ status, code, region }: S3Refusal, current: string): string | null {
  const isElsewhere = status === 301 || status === 307 || code === 'AuthorizationHeaderMalformed'
  return isElsewhere && region !== '' && region !== current ? region : null
}

function failureError(call: S3Call, outcome: Failure): DomainError {
  if (outcome.kind === 'refusal') return refusalError(call.action, call.location, outcome.refusal)
  return networkError(call.action, call.location, outcome.cause)
}

function givenUp(call: S3Call, cause: unknown): DomainError {
  const message = `cannot ${call.action} "${call.location.uri}": the request was given up`
  return new DomainError('body_incomplete', message, { cause })
}

function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs))
}
