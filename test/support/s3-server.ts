/**
 * A small S3 over node:http, in memory, for `npm test`: enough of the protocol for `adapters/s3.ts`, and strict where stores are
 * strict (signatures, Content-MD5, Content-Length, part ETags, `If-None-Match: *`).
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { WireRequest } from '../../src/sigv4/canonical.ts'
import { checkSignature, isFailure, parseSignature } from '../../src/sigv4/verify.ts'

interface StoredObject {
  readonly bytes: Buffer
  readonly eTag: string
  readonly modified: Date
  readonly headers: Record<string, string>
}

interface Upload {
  readonly bucket: string
  readonly key: string
  readonly headers: Record<string, string>
  readonly parts: Map<number, StoredObject>
}

/** A refusal in S3's form. */
class S3Error extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message = code) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** What tests ask for. */
export interface S3ServerOptions {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  /** Requests whose Host is `<bucket>.<domain>` are virtual-host ones. */
  readonly domain?: string
  /** Largest source of CopyObject. */
  readonly copyLimitBytes?: number
  /** The region that signatures must be made for. */
  readonly region?: string
}

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string
  readonly host: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface S3Server {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  readonly port: number
  /** Every request since the start, in order. */
  readonly seen: SeenRequest[]
  /** Answers the next requests in place of the protocol: return true when the answer was given. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | null
  /** Object bytes by `bucket/key`. */
  readonly objects: ReadonlyMap<string, { readonly bytes: Buffer; readonly headers: Record<string, string> }>
  readonly uploads: ReadonlyMap<string, unknown>
  /** Stores an object with headers of its own. */
  plant(address: string, bytes: Uint8Array, headers: Record<string, string>): void
  close(): Promise<void>
}

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  header(name: string): string | null
}

const KEPT_HEADERS = ['content-type', 'content-encoding', 'x-amz-storage-class', 'x-amz-server-side-encryption']

export const S3_TEST_KEYS = { accessKeyId: 'test-access-key', secretAccessKey: 'test/secret+key' }

/** Starts a server on a free port; every bucket exists except those whose name begins with `missing`. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const objects = new Map<string, StoredObject>()
  const uploads = new Map<string, Upload>()
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const region = options.region ?? 'us-east-1'
  const keys = {
    accessKeyId: options.accessKeyId ?? S3_TEST_KEYS.accessKeyId,
    secretAccessKey: options.secretAccessKey ?? S3_TEST_KEYS.secretAccessKey,
  }
  let uploadCount = 0

  const server = createServer((request, response) => {
    seen.push({
      method: request.method ?? '',
      host: request.headers.host ?? '',
      target: request.url ?? '',
      headers: request.headers,
    })
    if (self.intercept?.(request, response) === true) return
    handle(request, response).catch((error: unknown) => fail(request, response, error))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const self: S3Server = {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    seen,
    intercept: null,
    objects,
    uploads,
    plant(address, bytes, headers) {
      objects.set(address, stored(Buffer.from(bytes), headers))
    },
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return self

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? '/'
    const at = target.indexOf('?')
    const rawPath = at === -1 ? target : target.slice(0, at)
    const rawQuery = at === -1 ? '' : target.slice(at + 1)
    const header = (name: string) => {
      const value = request.headers[name]
      return value === undefined ? null : Array.isArray(value) ? value.join(',') : value
    }
    authenticate({ method: request.method ?? '', rawPath, rawQuery, header })
    const host = (header('host') ?? '').replace(/:\d+$/, '')
    const isVirtual = options.domain !== undefined && host.endsWith(`.${options.domain}`)
    const path = isVirtual ? `/${host.slice(0, -(options.domain?.length ?? 0) - 1)}${rawPath}` : rawPath
    const [, rawBucket = '', rawKey = ''] = /^\/([^/]*)\/?([\s\S]*)$/.exec(path) ?? []
    const bucket = decodeURIComponent(rawBucket)
    const key = decodeURIComponent(rawKey)
    const call = { request, response, bucket, key, query: new URLSearchParams(rawQuery), header }
    if (bucket.startsWith('missing')) throw new S3Error(404, 'NoSuchBucket')
    if (bucket === '') return answerXml(response, '<ListAllMyBucketsResult></ListAllMyBucketsResult>')
    return key === '' ? bucketCall(call) : objectCall(call)
  }

  function authenticate(wire: WireRequest): void {
    const claimed = parseSignature(wire)
    if (isFailure(claimed))
      throw new S3Error(claimed.code === 'MissingFields' ? 403 : 400, claimed.code, claimed.message)
    if (claimed.accessKeyId !== keys.accessKeyId) throw new S3Error(403, 'InvalidAccessKeyId')
    const failure = checkSignature(wire, claimed, keys.secretAccessKey, Date.now())
    if (failure !== null) throw new S3Error(403, failure.code, failure.message)
    if (claimed.scope.region !== region) throw new S3Error(400, 'AuthorizationHeaderMalformed', `expecting '${region}'`)
  }

  function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    request.resume()
    if (response.headersSent) return void response.destroy()
    const refusal = error instanceof S3Error ? error : new S3Error(500, 'InternalError', String(error))
    response.writeHead(refusal.status, { 'content-type': 'application/xml', 'x-amz-bucket-region': region })
    const body = `<?xml version="1.0"?><Error><Code>${refusal.code}</Code><Message>${escapeText(refusal.message)}</Message><Region>${region}</Region></Error>`
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  function bucketCall(call: Call): Promise<void> | void {
    if (call.request.method === 'GET' && call.query.get('list-type') === '2') return list(call)
    if (call.request.method === 'POST' && call.query.has('delete')) return deleteMany(call)
    if (call.request.method === 'HEAD') {
      call.response.writeHead(200, { 'x-amz-bucket-region': region })
      return void call.response.end()
    }
    throw new S3Error(501, 'NotImplemented')
  }

  function objectCall(call: Call): Promise<void> | void {
    const isPart = call.query.has('uploadId')
    switch (call.request.method) {
      case 'GET':
        return isPart ? listParts(call) : get(call)
      case 'HEAD':
        return head(call)
      case 'PUT':
        if (call.header('x-amz-copy-source') !== null) return copy(call, isPart)
        return isPart ? putPart(call) : put(call)
      case 'POST':
        return call.query.has('uploads') ? createUpload(call) : complete(call)
      case 'DELETE':
        return isPart ? abort(call) : remove(call)
      default:
        throw new S3Error(405, 'MethodNotAllowed')
    }
  }

  function list({ bucket, query, response }: Call): void {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
    const limit = Number(query.get('max-keys') ?? 1000)
    const found = [...objects.keys()]
      .filter((address) => address.startsWith(`${bucket}/${prefix}`))
      .map((address) => address.slice(bucket.length + 1))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
    const page = found.slice(0, limit)
    const truncated = found.length > limit
    const items = page.map((key) => {
      const object = objects.get(`${bucket}/${key}`)
      const shown = encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
      return `<Contents><Key>${escapeText(shown)}</Key><LastModified>${object?.modified.toISOString()}</LastModified><ETag>&quot;${object?.eTag}&quot;</ETag><Size>${object?.bytes.length}</Size></Contents>`
    })
    const token = truncated ? `<NextContinuationToken>${escapeText(page.at(-1) ?? '')}</NextContinuationToken>` : ''
    answerXml(
      response,
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${truncated}</IsTruncated>${token}${items.join('')}</ListBucketResult>`,
    )
  }

  async function deleteMany(call: Call): Promise<void> {
    const body = await readAll(call.request)
    if (call.header('content-md5') !== createHash('md5').update(body).digest('base64')) {
      throw new S3Error(400, 'BadDigest')
    }
    const errors = [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, text = '']) => {
      const key = text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
      if (!key.includes('forbidden')) return objects.delete(`${call.bucket}/${key}`) ? '' : ''
      return `<Error><Key>${escapeText(key)}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`
    })
    answerXml(call.response, `<DeleteResult>${errors.join('')}</DeleteResult>`)
  }

  function find({ bucket, key }: { bucket: string; key: string }): StoredObject {
    const object = objects.get(`${bucket}/${key}`)
    if (object === undefined) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')
    return object
  }

  function get(call: Call): void {
    const { bytes, eTag, modified, headers } = find(call)
    const encoding = call.query.get('response-content-encoding')
    const shown = {
      ...headers,
      ...(encoding === null ? {} : { 'content-encoding': encoding }),
      etag: `"${eTag}"`,
      'last-modified': modified.toUTCString(),
    }
    const disposition = call.query.get('response-content-disposition')
    const extra = disposition === null ? {} : { 'content-disposition': disposition }
    const match = /^bytes=(\d*)-(\d*)$/.exec(call.header('range') ?? '')
    if (match === null) {
      call.response.writeHead(200, { ...shown, ...extra, 'content-length': bytes.length })
      return void call.response.end(bytes)
    }
    const [, from = '', to = ''] = match
    const start = from === '' ? Math.max(0, bytes.length - Number(to)) : Number(from)
    const end = from === '' || to === '' ? bytes.length : Math.min(Number(to) + 1, bytes.length)
    if (start >= bytes.length || end <= start) throw new S3Error(416, 'InvalidRange')
    const range = `bytes ${start}-${end - 1}/${bytes.length}`
    call.response.writeHead(206, { ...shown, 'content-range': range, 'content-length': end - start })
    call.response.end(bytes.subarray(start, end))
  }

  function head(call: Call): void {
    const { bytes, eTag, modified, headers } = find(call)
    call.response.writeHead(200, {
      ...headers,
      etag: `"${eTag}"`,
      'last-modified': modified.toUTCString(),
      'content-length': bytes.length,
    })
    call.response.end()
  }

  async function put(call: Call): Promise<void> {
    const address = `${call.bucket}/${call.key}`
    const isConditional = call.header('if-none-match') === '*'
    if (isConditional && objects.has(address)) throw new S3Error(412, 'PreconditionFailed')
    const object = stored(await readSized(call), keptHeaders(call))
    if (isConditional && objects.has(address)) throw new S3Error(412, 'PreconditionFailed')
    objects.set(address, object)
    answerETag(call, object)
  }

  function remove(call: Call): void {
    objects.delete(`${call.bucket}/${call.key}`)
    call.response.writeHead(204)
    call.response.end()
  }

  function copy(call: Call, isPart: boolean): void {
    const source = decodeURIComponent(call.header('x-amz-copy-source') ?? '').replace(/^\//, '')
    const from = objects.get(source)
    if (from === undefined) throw new S3Error(404, 'NoSuchKey')
    const range = /^bytes=(\d+)-(\d+)$/.exec(call.header('x-amz-copy-source-range') ?? '')
    const bytes = range === null ? from.bytes : from.bytes.subarray(Number(range[1]), Number(range[2]) + 1)
    if (options.copyLimitBytes !== undefined && bytes.length > options.copyLimitBytes) {
      throw new S3Error(400, 'InvalidRequest', 'The specified copy source is larger than the maximum allowable size')
    }
    const object = stored(bytes, from.headers)
    if (isPart) findUpload(call).parts.set(Number(call.query.get('partNumber')), object)
    else objects.set(`${call.bucket}/${call.key}`, object)
    answerXml(call.response, `<CopyResult><ETag>&quot;${object.eTag}&quot;</ETag></CopyResult>`)
  }

  function createUpload(call: Call): void {
    const uploadId = `upload/${++uploadCount}+=`
    uploads.set(uploadId, { bucket: call.bucket, key: call.key, headers: keptHeaders(call), parts: new Map() })
    answerXml(
      call.response,
      `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
    )
  }

  function findUpload({ bucket, key, query }: Call): Upload {
    const upload = uploads.get(query.get('uploadId') ?? '')
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) throw new S3Error(404, 'NoSuchUpload')
    return upload
  }

  async function putPart(call: Call): Promise<void> {
    findUpload(call)
    const part = stored(await readSized(call), {})
    findUpload(call).parts.set(Number(call.query.get('partNumber')), part)
    answerETag(call, part)
  }

  function listParts(call: Call): void {
    const marker = Number(call.query.get('part-number-marker') ?? 0)
    const all = [...findUpload(call).parts].sort(([a], [b]) => a - b).filter(([number]) => number > marker)
    const page = all.slice(0, 2)
    const items = page.map(
      ([number, part]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${part.eTag}&quot;</ETag><Size>${part.bytes.length}</Size></Part>`,
    )
    answerXml(
      call.response,
      `<ListPartsResult><IsTruncated>${all.length > 2}</IsTruncated><NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker>${items.join('')}</ListPartsResult>`,
    )
  }

  /** As S3 does, the status is sent first and a failure comes inside a 200. */
  async function complete(call: Call): Promise<void> {
    const body = (await readAll(call.request)).toString()
    const upload = findUpload(call)
    const named = [...body.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)]
    let previous = 0
    const chosen = named.map(([, number = '', eTag = '']) => {
      const part = upload.parts.get(Number(number))
      const isInOrder = Number(number) > previous
      previous = Number(number)
      return part !== undefined && isInOrder && part.eTag === eTag.replace(/&#34;|&quot;|"/g, '') ? part : null
    })
    if (chosen.length === 0 || chosen.includes(null)) {
      return answerXml(
        call.response,
        '\n<Error><Code>InvalidPart</Code><Message>not found or not matching</Message></Error>',
      )
    }
    const parts = chosen.filter((part) => part !== null)
    const bytes = Buffer.concat(parts.map((part) => part.bytes))
    const digests = Buffer.concat(parts.map((part) => Buffer.from(part.eTag, 'hex')))
    const eTag = `${createHash('md5').update(digests).digest('hex')}-${parts.length}`
    objects.set(`${call.bucket}/${call.key}`, { ...stored(bytes, upload.headers), eTag })
    uploads.delete(call.query.get('uploadId') ?? '')
    answerXml(
      call.response,
      `<CompleteMultipartUploadResult><ETag>&quot;${eTag}&quot;</ETag></CompleteMultipartUploadResult>`,
    )
  }

  function abort(call: Call): void {
    findUpload(call)
    uploads.delete(call.query.get('uploadId') ?? '')
    call.response.writeHead(204)
    call.response.end()
  }
}

function stored(bytes: Buffer, headers: Record<string, string>): StoredObject {
  return { bytes, eTag: createHash('md5').update(bytes).digest('hex'), modified: new Date(), headers }
}

function keptHeaders(call: Call): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = call.header(name)
      return value === null ? [] : [[name, value]]
    }),
  )
}

/** A body must say how long it is, and be so: S3 refuses chunked ones. */
async function readSized(call: Call): Promise<Buffer> {
  if (call.header('content-length') === null) throw new S3Error(411, 'MissingContentLength')
  return readAll(call.request)
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function answerETag({ response }: Call, { eTag }: StoredObject): void {
  response.writeHead(200, { etag: `"${eTag}"`, 'content-length': 0 })
  response.end()
}

function answerXml(response: ServerResponse, xml: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${xml}`)
}

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`)
}
