/** More than a server takes on: a storage that hangs refuses by name while the others go on; a full server refuses, and lives. */
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, call } from '../support/http.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { createRepository, expectRefusal, expectUsable, type TestRepository, until, upload } from './support.ts'

const RUNNING = 3
const WAITING = 2
/** More than two storages that hang can hold. */
const IN_FLIGHT = 12

describe.each(['bun', 'node'] as const)('a server on %s', (runtime) => {
  let server: RunningServer
  let s3: S3Server
  let folder: string
  let onDisk: TestRepository
  let inBucket: TestRepository
  const hanging: ServerResponse[] = []

  beforeAll(async () => {
    s3 = await startS3Server()
    folder = mkdtempSync(join(tmpdir(), 'interlaken-overload-'))
    const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
    server = await startServer({
      runtime,
      environment: {
        INTERLAKEN_LIMITS_REQUESTS_IN_FLIGHT: String(IN_FLIGHT),
        INTERLAKEN_LIMITS_STORAGE_REQUESTS: String(RUNNING),
        INTERLAKEN_LIMITS_STORAGE_UPLOADS: String(RUNNING),
        INTERLAKEN_LIMITS_STORAGE_QUEUE: String(WAITING),
        INTERLAKEN_LIMITS_STORAGE_WAIT: '60s',
      },
      stores: [
        { id: 'disk', type: 'local', local: { path: join(folder, 'disk') } },
        {
          id: 'bucket',
          type: 's3',
          s3: { endpoint: s3.endpoint, force_path_style: true, credentials, max_retries: 0 },
        },
      ],
    })
    onDisk = await createRepository(server, 'disk', 'local://overload')
    inBucket = await createRepository(server, 'bucket', 's3://overload')
  })
  afterAll(async () => {
    await server?.stop()
    await s3?.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** The bucket takes writes of objects and says nothing. */
  function hang(): void {
    s3.intercept = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.includes('/data/')) return false
      request.resume()
      hanging.push(response)
      return true
    }
  }

  function letGo(): void {
    s3.intercept = null
    for (const response of hanging.splice(0)) response.writeHead(200, { etag: '"late"' }).end()
  }

  async function metric(name: string): Promise<number> {
    const text = await fetch(`${server.baseUrl}/metrics`).then((response) => response.text())
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
    return Number(line?.split(' ')[1] ?? Number.NaN)
  }

  const put = (path: string) => upload(server, inBucket, path, Buffer.from('hello'))

  it('refuses by name what a hanging storage cannot take, while the other one and the server go on', async () => {
    hang()
    const bucket = 'storage_id="bucket",type="s3"'
    const held = Array.from({ length: RUNNING + WAITING }, (_, at) => put(`held-${at}`))
    await until('a full storage', async () => {
      const running = await metric(`storage_requests_in_flight{${bucket}}`)
      return running === RUNNING && (await metric(`storage_requests_waiting{${bucket}}`)) === WAITING
    })
    for (let at = 0; at < 5; at++) {
      expectRefusal(await put(`more-${at}`), 503, /cannot use storage "bucket" \(s3\): 3 requests .* try again later/)
      await expectUsable(server, onDisk)
    }
    const health = await fetch(`${server.baseUrl}/api/interlaken/v1/health`, {
      headers: { authorization: basic(server) },
    })
    expect(health.status).toBe(200)
    expect(await metric(`storage_requests_total{${bucket},operation="put",outcome="overloaded"}`)).toBe(5)
    letGo()
    for (const answer of await Promise.all(held)) expect(answer.status, answer.bytes.toString()).toBe(201)
    await expectUsable(server, inBucket)
    expect(await metric(`storage_requests_in_flight{${bucket}}`)).toBe(0)
    expect(server.output()).not.toContain('overloaded')
  })

  it('refuses what is too much for it as a whole, and is alive and ready meanwhile', async () => {
    let finish: () => void = () => undefined
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const slowBody = () =>
      new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(Buffer.from('first'))
          await finished
          controller.close()
        },
      })
    const onDiskPath = (at: number) => onDisk.objects(`slow-${at}`)
    // A slow client of a disk holds one of its turns, so some wait for theirs, which are refused when there are too many.
    const held = Array.from({ length: RUNNING + WAITING }, (_, at) =>
      call(server, 'POST', onDiskPath(at), { body: slowBody() }),
    )
    hang()
    held.push(...Array.from({ length: RUNNING + WAITING }, (_, at) => put(`also-held-${at}`)))
    const slowJson = () =>
      call(server, 'POST', '/repositories', {
        headers: { 'content-type': 'application/json' },
        body: new ReadableStream<Uint8Array>({
          async start(controller) {
            controller.enqueue(Buffer.from('{"name":"no",'))
            await finished
            controller.enqueue(Buffer.from('"storage_namespace":""}'))
            controller.close()
          },
        }),
      })
    const others = [slowJson(), slowJson()]
    await until('a full server', async () => (await metric('api_requests_in_flight')) === IN_FLIGHT)
    const refused = await call(server, 'GET', `/repositories/${onDisk.name}`)
    expectRefusal(refused, 503, /cannot serve request: 12 are under way here; try again later/)
    expect((await call(server, 'GET', '/healthcheck')).status).toBe(204)
    expect((await fetch(`${server.baseUrl}/_ready`)).status).toBe(200)
    finish()
    letGo()
    for (const answer of await Promise.all(held)) expect(answer.status, answer.bytes.toString()).toBe(201)
    for (const answer of await Promise.all(others)) expect(answer.status).toBe(400)
    await until('an idle server', async () => (await metric('api_requests_in_flight')) === 0)
    await expectUsable(server, onDisk)
    await expectUsable(server, inBucket)
  })
})
