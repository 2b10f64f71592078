/** Uploads whose storage fails leave no entry and a usable branch, and say what is wrong. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, basic } from '../support/http.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import {
  createRepository,
  expectAbsent,
  expectRefusal,
  expectUsable,
  type TestRepository,
  until,
  upload,
} from './support.ts'

const MIB = 1024 ** 2

describe.each(['bun', 'node'] as const)('storages of a server on %s', (runtime) => {
  let server: RunningServer
  let s3: S3Server
  let folder: string
  let onDisk: TestRepository
  let inBucket: TestRepository

  beforeAll(async () => {
    s3 = await startS3Server()
    folder = mkdtempSync(join(tmpdir(), 'interlaken-storages-'))
    const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
    server = await startServer({
      runtime,
      databaseUrl: await createDatabase(),
      stores: [
        { id: 'disk', type: 'local', local: { path: join(folder, 'disk') } },
        {
          id: 'bucket',
          type: 's3',
          s3: { endpoint: s3.endpoint, force_path_style: true, credentials, max_retries: 2 },
        },
      ],
    })
    onDisk = await createRepository(server, 'disk', 'local://storages')
    inBucket = await createRepository(server, 'bucket', 's3://storages')
  })
  afterEach(() => {
    s3.intercept = null
  })
  afterAll(async () => {
    await server.stop()
    await s3.close()
    rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  /** What the storage does to a request that writes object bytes. */
  function failWrites(fail: (request: IncomingMessage, response: ServerResponse) => void): void {
    s3.intercept = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.includes('/data/')) return false
      fail(request, response)
      return true
    }
  }

  const refuse = (status: number, code: string) => (request: IncomingMessage, response: ServerResponse) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml' })
      response.end(`<Error><Code>${code}</Code><Message>says the test</Message></Error>`)
    })
  }

  const failures = [
    { state: 'answers 500', fail: refuse(500, 'InternalError'), status: 503, message: /answered 500 InternalError/ },
    { state: 'answers 403', fail: refuse(403, 'AccessDenied'), status: 403, message: /answered 403 AccessDenied/ },
    {
      state: 'is full',
      fail: refuse(507, 'XMinioStorageFull'),
      status: 507,
      message: /answered 507 XMinioStorageFull/,
    },
    {
      state: 'resets the connection',
      fail: (request: IncomingMessage) => void request.socket.resetAndDestroy(),
      status: 503,
      message: /^cannot write .*"s3:/,
    },
  ]
  /** Whole in memory; streamed with its length; streamed without, then in parts. */
  const bodies = [
    { kind: 'small', sizeBytes: 1000, chunked: false },
    { kind: 'large', sizeBytes: 3 * MIB, chunked: false },
    { kind: 'large, chunked', sizeBytes: 20 * MIB, chunked: true },
  ]

  describe.each(failures)('a bucket that $state', ({ fail, status, message }) => {
    it.each(bodies)('refuses a body that is $kind', async ({ sizeBytes, chunked }) => {
      failWrites(fail)
      const answer = await send(server, inBucket, 'refused', randomBytes(sizeBytes), chunked)
      s3.intercept = null
      expectRefusal(answer, status, message)
      await until('an end of the multipart upload', () => s3.uploads.size === 0)
      await expectAbsent(server, inBucket, 'refused')
      await expectUsable(server, inBucket)
    })
  })

  it.each(bodies)('a bucket that hangs holds up nobody else ($kind)', async ({ sizeBytes, chunked }) => {
    const hanging: IncomingMessage[] = []
    failWrites((request) => {
      request.resume()
      hanging.push(request)
    })
    const waiting = send(server, inBucket, 'hanging', randomBytes(sizeBytes), chunked)
    await until('a request that hangs', () => hanging.length > 0)
    s3.intercept = null
    await expectAbsent(server, inBucket, 'hanging')
    await expectUsable(server, inBucket)
    await expectUsable(server, onDisk)
    failWrites((request) => void request.socket.resetAndDestroy())
    for (const request of hanging) request.socket.resetAndDestroy()
    expectRefusal(await waiting, 503, /^cannot write .*"s3:/)
    await expectAbsent(server, inBucket, 'hanging')
  })

  it('a failed attempt of a small body is made again', async () => {
    let failures = 0
    s3.intercept = (request, response) => {
      if (failures > 0 || request.method !== 'PUT') return false
      failures++
      refuse(500, 'InternalError')(request, response)
      return true
    }
    await expectUsable(server, inBucket)
    expect(failures).toBe(1)
  })

  it.each(bodies)(
    'a disk whose folder gave way to a file refuses a body that is $kind',
    async ({ sizeBytes, chunked }) => {
      const place = join(folder, 'disk')
      renameSync(place, `${place}.away`)
      writeFileSync(place, 'in the way')
      try {
        const answer = await send(server, onDisk, 'refused', randomBytes(sizeBytes), chunked)
        expectRefusal(answer, 503, /cannot write "local:/)
        await expectUsable(server, inBucket)
      } finally {
        rmSync(place)
        renameSync(`${place}.away`, place)
      }
      await expectAbsent(server, onDisk, 'refused')
      await expectUsable(server, onDisk)
    },
  )
})

async function send(
  server: RunningServer,
  repository: TestRepository,
  path: string,
  body: Buffer,
  chunked: boolean,
): Promise<Pick<Answer, 'status' | 'headers' | 'json'>> {
  if (!chunked) return upload(server, repository, path, body)
  let at = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= body.length) return controller.close()
      controller.enqueue(body.subarray(at, at + MIB))
      at += MIB
    },
  })
  const init = {
    method: 'POST',
    headers: { authorization: basic(server), 'content-type': 'application/octet-stream' },
    body: stream,
    duplex: 'half',
  }
  const answer = await fetch(`${server.baseUrl}/api/v1${repository.objects(path)}`, init as RequestInit)
  return { status: answer.status, headers: answer.headers, json: await answer.json() }
}
