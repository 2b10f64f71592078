import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createS3Adapter } from '../../adapters/s3.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import type { S3Settings } from '../../src/block/definition.ts'
import type { HttpPlatform } from '../../src/block/platform.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { nodeHttp } from '../../src/runtime/http.ts'
import { bytesOf, describeAdapter, ODD_KEYS, refused, streamed } from '../block/adapter-contract.ts'
import { s3Definition } from '../support/definitions.ts'
import { openTestNames } from '../support/loopback-names.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'

const SIZES = { partBytes: 1_000_000, singleLimitBytes: 1024 ** 3, copyPartBytes: 400_000 }
const KEYS = [...ODD_KEYS, 'a//b', '/leading', 'trailing/', 'control\x01']

describeAdapter('s3, path style', async () => {
  const server = await startS3Server()
  const adapter = createS3Adapter(s3Definition({ endpoint: server.endpoint, forcePathStyle: true }), nodeHttp, SIZES)
  return {
    adapter,
    namespace: 's3://bucket/some/prefix' as StorageNamespace,
    oddKeys: KEYS,
    refusedKeys: ['a/../b', './a', 'a/.', '..', 'lone\ud800surrogate'],
    nests: true,
    minimumPartBytes: 1000,
    multiPartStreamBytes: 2_000_000,
    fetch,
    async close() {
      expect(server.seen.every(({ target }) => target.startsWith('/bucket') || target === '/')).toBe(true)
      await adapter.close()
      await server.close()
    },
  }
})

describeAdapter('s3, virtual host', async () => {
  const server = await startS3Server({ domain: 'store.test', region: 'eu-west-3' })
  const names = openTestNames(fetch)
  const platform: HttpPlatform = { ...nodeHttp, fetch: names.fetch }
  const endpoint = `http://store.test:${server.port}`
  const adapter = createS3Adapter(s3Definition({ endpoint, region: 'eu-west-3' }), platform, SIZES)
  return {
    adapter,
    namespace: 's3://my.bucket/some/prefix' as StorageNamespace,
    oddKeys: KEYS,
    refusedKeys: ['a/../b'],
    nests: true,
    minimumPartBytes: 1000,
    multiPartStreamBytes: 2_000_000,
    fetch: names.fetch,
    async close() {
      const bucketHosts = server.seen.filter(({ host }) => host === `my.bucket.store.test:${server.port}`)
      expect(bucketHosts.length).toBeGreaterThan(100)
      names.close()
      await adapter.close()
      await server.close()
    },
  }
})

describe('s3', () => {
  let server: S3Server
  let adapter: BlockAdapter
  const NAMESPACE = 's3://bucket/ns' as StorageNamespace
  beforeAll(async () => {
    server = await startS3Server({ copyLimitBytes: 500_000, region: 'eu-north-1' })
    adapter = open()
  })
  afterAll(() => server.close())
  beforeEach(() => {
    server.intercept = null
    server.seen.length = 0
  })

  function open(settings: Partial<S3Settings> = {}, platform: HttpPlatform = nodeHttp): BlockAdapter {
    return createS3Adapter(s3Definition({ endpoint: server.endpoint, maxRetries: 3, ...settings }), platform, SIZES)
  }

  /** Answers the next `times` requests whose method matches. */
  function answer(times: number, method: string, status: number, code: string): void {
    server.intercept = (request, response) => {
      if (request.method !== method || times-- <= 0) return false
      request.resume()
      response.writeHead(status).end(`<Error><Code>${code}</Code><Message>said the store</Message></Error>`)
      return true
    }
  }

  test('the region of a bucket is found, once, though another is configured', async () => {
    const fresh = open()
    await fresh.put(fresh.locate(NAMESPACE, 'region'), Buffer.from('x'))
    await fresh.get(fresh.locate(NAMESPACE, 'region'))
    expect(server.seen.map(({ method }) => method)).toEqual(['HEAD', 'PUT', 'GET'])
    const fixed = open({ discoverBucketRegion: false, region: 'eu-north-1' })
    await fixed.get(fixed.locate(NAMESPACE, 'region'))
    expect(server.seen).toHaveLength(4)
    const wrong = open({ discoverBucketRegion: false, region: 'us-west-1' })
    expect((await wrong.get(wrong.locate(NAMESPACE, 'region'))).totalBytes).toBe(1)
  })

  test('failures of the store are tried again, refusals are not', async () => {
    const location = adapter.locate(NAMESPACE, 'retried')
    answer(2, 'PUT', 503, 'SlowDown')
    await adapter.put(location, Buffer.from('x'))
    answer(3, 'GET', 500, 'InternalError')
    expect((await adapter.get(location)).totalBytes).toBe(1)
    answer(4, 'GET', 500, 'InternalError')
    await refused(adapter.get(location), 'storage_unavailable')
    server.seen.length = 0
    answer(9, 'GET', 403, 'AccessDenied')
    await refused(adapter.get(location), 'storage_forbidden')
    expect(server.seen).toHaveLength(1)
    answer(9, 'PUT', 507, 'XMinioStorageFull')
    await refused(adapter.put(location, Buffer.from('x')), 'storage_full')
    await expect(adapter.put(location, Buffer.from('x'))).rejects.toThrow('507 XMinioStorageFull: said the store')
  })

  test('an unlisted refusal is no outage: told with the store’s words and request id, and asked once', async () => {
    const location = adapter.locate(NAMESPACE, 'refused')
    await adapter.put(location, Buffer.from('x'))
    const refusals = [
      [400, 'InvalidArgument', 'invalid_argument'],
      [400, 'ExpiredToken', 'storage_forbidden'],
      [402, 'PaymentRequired', 'invalid_argument'],
      [405, 'MethodNotAllowed', 'storage_unsupported'],
      [409, 'BucketNotReady', 'invalid_argument'],
      [418, '', 'invalid_argument'],
      [413, '', 'payload_too_large'],
      [301, 'PermanentRedirect', 'storage_unsupported'],
    ] as const
    for (const [status, code, expected] of refusals) {
      server.seen.length = 0
      server.intercept = (request, response) => {
        request.resume()
        response.writeHead(status, { 'x-amz-request-id': 'REQ42' })
        response.end(`<Error><Code>${code}</Code><Message>said the store</Message><RequestId>body</RequestId></Error>`)
        return true
      }
      const failure = await adapter.get(location).catch((error: unknown) => error)
      expect(failure, `${status} ${code}`).toMatchObject({ code: expected })
      expect(String(failure)).toContain(
        `answered ${status} ${code === '' ? '' : `${code}: `}said the store (request REQ42)`,
      )
      expect(server.seen, `${status} ${code}`).toHaveLength(1)
    }
    for (const [status, code] of [
      [429, 'SlowDown'],
      [503, 'SlowDown'],
      [500, 'InternalError'],
      [400, 'RequestTimeout'],
    ] as const) {
      server.seen.length = 0
      answer(9, 'GET', status, code)
      await refused(adapter.get(location), 'storage_unavailable')
      expect(server.seen, `${status} ${code}`).toHaveLength(4)
    }
    server.intercept = null
    answer(9, 'PUT', 409, 'OperationAborted')
    await refused(adapter.put(location, Buffer.from('x')), 'contended')
  })

  test('a header that cannot be sent is the caller’s mistake, told without asking the store', async () => {
    const location = adapter.locate(NAMESPACE, 'header')
    await adapter.exists(location)
    server.seen.length = 0
    let cancelled = 0
    const open = () => ({
      stream: new ReadableStream<Uint8Array>({ cancel: () => void cancelled++ }),
      sizeBytes: 2_000_000,
    })
    for (const contentType of ['text/日本', 'a\nb', 'a\0', 'text/plain; x="😀"']) {
      await refused(adapter.put(location, Buffer.from('x'), { contentType }), 'invalid_argument')
      await refused(adapter.put(location, open(), { contentType }), 'invalid_argument')
      await refused(adapter.createMultipart(location, { contentType }), 'invalid_argument')
    }
    await expect(adapter.put(location, Buffer.from('x'), { contentType: 'text/日本' })).rejects.toThrow(
      'content-type "text/日本"',
    )
    expect(cancelled).toBe(4)
    expect(server.seen).toEqual([])
    await adapter.put(location, Buffer.from('x'), { contentType: 'text/plain; name="é"\t' })
  })

  test('a put if absent is repeated only when the store did nothing', async () => {
    const location = adapter.locate(NAMESPACE, 'conditional')
    answer(1, 'PUT', 500, 'InternalError')
    await refused(adapter.put(location, Buffer.from('x'), { ifAbsent: true }), 'storage_unavailable')
    answer(1, 'PUT', 409, 'ConditionalRequestConflict')
    await adapter.put(location, Buffer.from('x'), { ifAbsent: true })
    await refused(adapter.put(location, Buffer.from('x'), { ifAbsent: true }), 'storage_exists')
  })

  test('a stream is sent once', async () => {
    const location = adapter.locate(NAMESPACE, 'stream')
    server.seen.length = 0
    server.intercept = (request, response) => {
      if (request.method !== 'PUT') return false
      request.resume()
      request.on('end', () => response.writeHead(500).end())
      return true
    }
    await refused(adapter.put(location, streamed([Buffer.alloc(2_000_000)], 2_000_000)), 'storage_unavailable')
    expect(server.seen.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  test('a store that cannot be reached, or that hangs up', async () => {
    const dead = open({ endpoint: 'http://127.0.0.1:9', maxRetries: 1 })
    await refused(dead.get(dead.locate(NAMESPACE, 'x')), 'storage_unavailable')
    await refused(dead.ping(), 'storage_unavailable')
    server.intercept = (request) => {
      request.socket.destroy()
      return true
    }
    await refused(adapter.get(adapter.locate(NAMESPACE, 'x')), 'storage_unavailable')
    await refused(adapter.put(adapter.locate(NAMESPACE, 'x'), Buffer.from('x')), 'storage_unavailable')
  })

  test('an answer that ends early is tried again', async () => {
    const location = adapter.locate(NAMESPACE, 'cut')
    await adapter.put(location, Buffer.from('whole'))
    let cuts = 1
    server.intercept = (request, response) => {
      if (request.method !== 'GET' || cuts-- <= 0) return false
      response.writeHead(200, { 'content-length': 5 }).write('who')
      setTimeout(() => response.destroy(), 20)
      return true
    }
    expect((await bytesOf(await adapter.get(location))).toString()).toBe('whole')
  })

  test('what is stored compressed is given as it is stored', async () => {
    const packed = gzipSync(Buffer.alloc(10_000, 'x'))
    server.plant('bucket/ns/packed.gz', packed, { 'content-encoding': 'gzip' })
    const got = await adapter.get(adapter.locate(NAMESPACE, 'packed.gz'))
    expect(got.totalBytes).toBe(packed.length)
    expect(gunzipSync(await bytesOf(got))).toHaveLength(10_000)
    const tail = await adapter.getTail(adapter.locate(NAMESPACE, 'packed.gz'), 10)
    expect(Buffer.from(tail.bytes)).toEqual(packed.subarray(-10))
  })

  test('sizes are declared, encryption and class are passed on', async () => {
    const sealed = open({ serverSideEncryption: 'aws:kms', serverSideEncryptionKmsKeyId: 'key/1' })
    const location = sealed.locate(NAMESPACE, 'sealed')
    await sealed.put(location, streamed([Buffer.alloc(1_500_000)], 1_500_000), {
      contentType: 'text/x',
      storageClass: 'GLACIER_IR',
    })
    const put = server.seen.find(({ method }) => method === 'PUT')
    expect(put?.headers).toMatchObject({
      'content-length': '1500000',
      'content-type': 'text/x',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key/1',
    })
    expect(put?.headers['transfer-encoding']).toBeUndefined()
    expect((await sealed.properties(location)).storageClass).toBe('GLACIER_IR')
  })

  test('copies above the limit go in parts', async () => {
    const from = adapter.locate(NAMESPACE, 'large + 100%')
    const to = adapter.locate(NAMESPACE, 'copy of large')
    const body = Buffer.alloc(1_000_001, 'ab')
    await adapter.put(from, body)
    await adapter.copy(from, to)
    expect(Buffer.compare(await bytesOf(await adapter.get(to)), body)).toBe(0)
    expect(server.uploads.size).toBe(0)
  })

  test('a failed stream of unknown length aborts its upload', async () => {
    const chunk = Buffer.alloc(1_500_000)
    const body = streamed([chunk, chunk, new Error('gone')], null)
    await refused(adapter.put(adapter.locate(NAMESPACE, 'failed'), body), 'body_incomplete')
    expect(server.uploads.size).toBe(0)
  })

  test('a stream of unknown length is let go when its upload cannot begin, or when a part is refused', async () => {
    const slow = () => {
      const state = { cancelled: false, chunks: 0 }
      const stream = new ReadableStream<Uint8Array>({
        // Enough for the first part; of the second only a little ever comes.
        pull(controller) {
          if (state.chunks === 3) return new Promise(() => undefined)
          state.chunks++
          controller.enqueue(Buffer.alloc(500_000))
          return undefined
        },
        cancel() {
          state.cancelled = true
        },
      })
      return { state, body: { stream, sizeBytes: null } }
    }
    const location = adapter.locate(NAMESPACE, 'slow')
    for (const method of ['POST', 'PUT']) {
      answer(9, method, 403, 'AccessDenied')
      const { state, body } = slow()
      await refused(adapter.put(location, body), 'storage_forbidden')
      expect(state.cancelled, method).toBe(true)
      expect(server.uploads.size).toBe(0)
    }
  })

  test('a refusal among many removals is told by object', async () => {
    const names = ['forbidden <&> "1"', 'free', 'control\x02']
    const locations = names.map((name) => adapter.locate(NAMESPACE, name))
    for (const location of locations) await adapter.put(location, Buffer.from('x'))
    const failures = await adapter.removeMany(locations)
    expect(failures.map(({ location }) => location.key)).toEqual(['ns/forbidden <&> "1"'])
    expect(failures[0]?.error.message).toContain('AccessDenied')
    answer(1, 'POST', 501, 'NotImplemented')
    expect(await adapter.removeMany(locations)).toEqual([])
    expect(await adapter.exists(locations[0] ?? adapter.locate(NAMESPACE, ''))).toBe(false)
  })

  test('a missing bucket', async () => {
    const location = adapter.locate('s3://missing-bucket/x' as StorageNamespace, 'a')
    expect(await adapter.exists(location)).toBe(false)
    await expect(adapter.put(location, Buffer.from('x'))).rejects.toThrow('NoSuchBucket')
  })

  test('presigned URLs name the public endpoint and end when configured', async () => {
    const shown = open({ preSignedEndpoint: 'https://public.example', preSignedExpiryMs: 60_000, forcePathStyle: true })
    const { url, expiresAtSeconds } = await shown.presign(shown.locate(NAMESPACE, 'a b'), 'GET')
    expect(url).toMatch(/^https:\/\/public\.example\/bucket\/ns\/a%20b\?.*X-Amz-Expires=60&/)
    expect(expiresAtSeconds - Date.now() / 1000).toBeLessThanOrEqual(60)
    const silent = open({ disablePreSigned: true })
    expect(silent.capabilities).toMatchObject({ presign: false, presignMultipart: false })
    const half = open({ disablePreSignedMultipart: true })
    expect(half.capabilities).toMatchObject({ presign: true, presignMultipart: false })
  })

  test('what cannot be is said when it is opened', () => {
    expect(() => open({ credentials: null })).toThrow('no credentials are configured')
    expect(() => open({ skipVerifyCertificateTestOnly: true })).toThrow('Bun')
  })

  test('temporary credentials are used while they live', async () => {
    const expiresAtSeconds = Math.floor(Date.now() / 1000) + 30
    const s3Credentials = () => async () => ({
      accessKeyId: 'ASIA',
      secretAccessKey: 'secret',
      sessionToken: 'token/+=',
      expiresAtSeconds,
    })
    const chained = open({ credentials: null, discoverBucketRegion: false }, { ...nodeHttp, s3Credentials })
    const presigned = await chained.presign(chained.locate(NAMESPACE, 'a'), 'GET')
    expect(presigned.expiresAtSeconds).toBe(expiresAtSeconds)
    expect(new URL(presigned.url).searchParams.get('X-Amz-Security-Token')).toBe('token/+=')
    await refused(chained.get(chained.locate(NAMESPACE, 'a')), 'storage_forbidden')
    expect(server.seen.at(-1)?.headers['x-amz-security-token']).toBe('token/+=')
  })
})
