import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { operations } from '../../src/api/operations.gen.ts'
import type { ApiRequest } from '../../src/api/request.ts'
import { empty, json, page, text } from '../../src/api/responses.ts'
import type { Handler } from '../../src/api/router.ts'
import { readUploadBody } from '../../src/api/upload-body.ts'
import { readAuthVersion } from '../../src/auth/identities.ts'
import { permission, repositoryResource } from '../../src/auth/permissions.ts'
import { createSealer } from '../../src/auth/seal.ts'
import { setup } from '../../src/auth/setup.ts'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { credentials, installation } from '../../src/db/schema.ts'
import { DomainError, type ErrorCode } from '../../src/errors.ts'
import { startServer, type TestServer } from './server.ts'

const key = { accessKeyId: 'AKIAJROUTERROUTERROQ', secretAccessKey: 'sesame' }
const authorization = `Basic ${Buffer.from(`${key.accessKeyId}:${key.secretAccessKey}`).toString('base64')}`
const sealer = createSealer('test secret')
let db: Db
let server: TestServer
/** What the next request to getBranch, listBranches, … does. */
let act: Handler

const seen: ApiRequest[] = []
const acting: Handler = (request) => {
  seen.push(request)
  return act(request)
}

beforeAll(async () => {
  db = await openPgliteDb(null)
  await migrate(db)
  await setup(db, sealer, { userName: 'admin', accessKey: key, commPrefs: null })
  server = await startServer(db, {
    handlers: {
      getBranch: acting,
      listBranches: acting,
      listRepositories: acting,
      createRepository: acting,
      headObject: acting,
      getObject: acting,
      uploadObject: acting,
    },
  })
})
afterAll(async () => {
  await server.close()
  await db.close()
})
beforeEach(() => {
  act = () => empty(204)
  server.logged.length = 0
  server.versionReads = 0
  seen.length = 0
})

function call(path: string, init: RequestInit & { anonymous?: boolean } = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (init.anonymous !== true && !headers.has('authorization')) headers.set('authorization', authorization)
  return fetch(`${server.url}${path}`, { redirect: 'manual', ...init, headers })
}

async function checked(request: ApiRequest): Promise<void> {
  await request.checkVersions({ authVersion: await readAuthVersion(db) })
}

describe('matching', () => {
  test.each([
    ['GET', '/nothing'],
    ['PATCH', '/repositories'],
    ['GET', '/repositories/r/branches/'],
    ['GET', ''],
    ['POST', '/healthcheck'],
  ])('%s %s is no endpoint, known or not', async (method, path) => {
    for (const anonymous of [true, false]) {
      const answer = await call(path, { method, anonymous })
      expect(answer.status).toBe(404)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(await answer.text()).toBe('{"message":"invalid API endpoint"}\n')
    }
  })

  test('every operation that is not built says so, to those who may know', async () => {
    const built = [
      'getBranch',
      'listBranches',
      'listRepositories',
      'createRepository',
      'headObject',
      'getObject',
      'uploadObject',
    ]
    const own = [
      'setup',
      'Setup',
      'login',
      'getCurrentUser',
      'getAuthCapabilities',
      'Config',
      'getLakeFSVersion',
      'healthCheck',
      'postStats',
      'getUsageReport',
    ]
    let unbuilt = 0
    for (const [id, { method, path, security }] of Object.entries(operations)) {
      if (built.includes(id) || own.some((part) => id.includes(part))) continue
      unbuilt++
      const at = path.replace(/:\w+/g, 'x')
      const answer = await call(at, { method })
      expect([id, answer.status, await answer.json()]).toEqual([id, 501, { message: `not implemented: ${id}` }])
      expect((await call(at, { method, anonymous: true })).status).toBe(security === 'none' ? 501 : 401)
    }
    expect(unbuilt).toBeGreaterThan(100)
  })

  test('parameters are decoded once, inside their segment', async () => {
    act = async (request) => {
      await checked(request)
      return json(200, [request.param('repository'), request.param('branch')])
    }
    for (const [path, values] of [
      ['/repositories/r/branches/a%2Fb', ['r', 'a/b']],
      ['/repositories/r/branches/a%252Fb', ['r', 'a%2Fb']],
      ['/repositories/r+s/branches/%C3%A9%7E1', ['r+s', 'é~1']],
    ] as const) {
      expect(await (await call(path)).json()).toEqual(values)
    }
    for (const path of [
      '/repositories/r/branches/%ff',
      '/repositories/r/branches/%zz',
      '/repositories/r/branches/%00',
    ]) {
      const answer = await call(path)
      expect(answer.status).toBe(400)
      expect((await answer.json()).message).toMatch(/^parameter "branch" in path has an error: /)
    }
    expect((await call('/repositories//branches/b')).status).toBe(400)
  })
})

describe('who', () => {
  test('nobody, and somebody with a wrong credential, gets the text that clients match on', async () => {
    const wrong: Record<string, string>[] = [
      {},
      { authorization: 'Basic eDp5' },
      { authorization: `${authorization.replace(/=*$/, '==')}AA` },
      { cookie: 'internal_auth_session=x' },
    ]
    for (const headers of wrong) {
      const answer = await call('/repositories/r/branches/b', { anonymous: true, headers })
      expect(answer.status).toBe(401)
      expect(await answer.json()).toEqual({ message: 'error authenticating request' })
    }
    expect(seen).toHaveLength(0)
  })

  test('an open operation does not look at credentials', async () => {
    expect((await call('/healthcheck', { headers: { authorization: 'Basic eDp5' } })).status).toBe(204)
    expect(server.versionReads).toBe(0)
  })

  test('versions are read once: by the operation, or for it', async () => {
    act = async (request) => {
      await checked(request)
      return empty(204)
    }
    await call('/repositories/r/branches/b')
    expect(server.versionReads).toBe(0)
    act = (request) => {
      request.listFilter('fs:ListRepositories')
      return empty(204)
    }
    expect((await call('/repositories')).status).toBe(204)
    expect(server.versionReads).toBe(1)
  })

  test('a handler that forgot to compare them gives nothing away to a key that is gone', async () => {
    const [kept] = await db.orm.select().from(credentials)
    if (kept === undefined) throw new Error('there is a key')
    expect((await call('/repositories/r/branches/b')).status).toBe(204)
    await db.orm.delete(credentials)
    const [versions] = await db.orm.select({ authVersion: installation.authVersion }).from(installation)
    await db.orm.update(installation).set({ authVersion: (versions?.authVersion ?? 0) + 1 })
    try {
      for (const forgetful of [
        () => json(200, 'secret'),
        () => {
          throw new DomainError('repository_not_found', 'repository not found')
        },
      ]) {
        // The server still remembers the key as valid, under the version before.
        act = forgetful
        expect((await call('/repositories/r/branches/b')).status).toBe(401)
      }
    } finally {
      await db.orm.insert(credentials).values(kept)
    }
    act = () => empty(204)
    expect((await call('/repositories/r/branches/b')).status).toBe(204)
  })

  test('a handler that should ask for permission and does not is a fault', async () => {
    act = async (request) => {
      await checked(request)
      return empty(204)
    }
    expect((await call('/repositories')).status).toBe(500)
    act = async (request) => {
      request.authorize(() => permission('fs:CreateRepository', repositoryResource('r')))
      return empty(201)
    }
    expect((await call('/repositories', { method: 'POST' })).status).toBe(201)
  })

  test('the source address is the first that a proxy names, else the peer', async () => {
    await call('/repositories/r/branches/b')
    await call('/repositories/r/branches/b', { headers: { 'x-real-ip': '198.51.100.2' } })
    await call('/repositories/r/branches/b', {
      headers: { 'x-real-ip': '198.51.100.2', 'x-forwarded-for': '203.0.113.9, 10.0.0.1' },
    })
    expect(seen.map(({ sourceIp }) => sourceIp)).toEqual(['192.0.2.1', '198.51.100.2', '203.0.113.9'])
  })
})

describe('answers', () => {
  test('carry the id that the client gave its request, unless it is none to repeat', async () => {
    for (const path of ['/repositories/r/branches/b', '/nothing', '/healthcheck']) {
      const answer = await call(path, { headers: { 'x-request-id': 'job-7/step.2:a=b+c' } })
      expect(answer.headers.get('x-request-id')).toBe('job-7/step.2:a=b+c')
    }
    for (const bad of ['x'.repeat(129), 'two words', '<b>', '"', 'é']) {
      const answer = await call('/healthcheck', { headers: { 'x-request-id': bad } })
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    }
  })

  test('carry a fresh request id otherwise', async () => {
    const ids = new Set<string>()
    for (const path of ['/repositories/r/branches/b', '/nothing', '/healthcheck']) {
      const answer = await call(path)
      const id = answer.headers.get('x-request-id') ?? ''
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
      ids.add(id)
    }
    expect(ids.size).toBe(3)
    expect(ids.has(seen[0]?.id ?? '')).toBe(true)
  })

  test('are JSON exactly, text, or nothing with a length', async () => {
    act = () => json(200, page(['a'], true, 'a'))
    const listed = await call('/repositories/r/branches')
    expect(listed.headers.get('content-type')).toBe('application/json')
    expect(listed.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await listed.text()).toBe(
      '{"pagination":{"has_more":true,"max_per_page":1000,"next_offset":"a","results":1},"results":["a"]}\n',
    )
    act = () => text(201, 'abc')
    const plain = await call('/repositories/r/branches/b')
    expect([plain.status, plain.headers.get('content-type'), await plain.text()]).toEqual([
      201,
      'text/plain; charset=utf-8',
      'abc',
    ])
    act = () => empty(200)
    const nothing = await call('/repositories/r/branches/b')
    expect([nothing.headers.get('content-length'), nothing.headers.get('content-type')]).toEqual(['0', null])
  })

  test('to HEAD have the length that the handler states and no body, also when they fail', async () => {
    act = () => empty(200, { 'Content-Length': '12345', 'Content-Type': 'text/csv' })
    const head = await call('/repositories/r/refs/main/objects?path=x', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), head.headers.get('content-type')]).toEqual([
      200,
      '12345',
      'text/csv',
    ])
    act = () => {
      throw new DomainError('entry_not_found', 'not found')
    }
    const missing = await call('/repositories/r/refs/main/objects?path=x', { method: 'HEAD' })
    expect([missing.status, await missing.text()]).toEqual([404, ''])
  })
})

describe('errors', () => {
  const expected: Partial<Record<ErrorCode, [number, string]>> = {
    invalid_argument: [400, 'the message'],
    no_changes: [400, 'the message'],
    unauthenticated: [401, 'error authenticating request'],
    unauthorized: [401, 'the message'],
    read_only: [403, 'the message'],
    branch_not_found: [404, 'the message'],
    conflict: [409, 'the message'],
    storage_not_found: [410, 'No data'],
    precondition_failed: [412, 'the message'],
    payload_too_large: [413, 'the message'],
    range_not_satisfiable: [416, 'the message'],
    contended: [429, 'Too many attempts, try again later'],
    not_implemented: [501, 'the message'],
    outcome_unknown: [503, 'the message'],
    storage_unavailable: [503, 'the message'],
  }
  test.each(Object.entries(expected))('%s', async (code, [status, message]) => {
    act = () => {
      throw new DomainError(code as ErrorCode, 'the message', { cause: new Error('inside') })
    }
    const answer = await call('/repositories/r/branches/b')
    expect([answer.status, await answer.json()]).toEqual([status, { message }])
    expect(answer.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '1' : null)
    expect(server.logged).toHaveLength(status === 503 ? 1 : 0)
  })

  test('a fault of ours is logged under its request id and tells nothing', async () => {
    act = () => {
      throw new TypeError('the database password is hunter2')
    }
    const answer = await call('/repositories/r/branches/b')
    expect([answer.status, await answer.json()]).toEqual([500, { message: 'internal server error' }])
    expect(server.logged).toEqual([
      { requestId: answer.headers.get('x-request-id'), operation: 'getBranch', err: expect.any(TypeError) },
    ])
  })
})

/** A stream of unknown length, which a client can only send in chunks (of a `Blob`'s stream Bun knows the length). */
function inChunks(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + 10_000))
      else controller.close()
      at += 10_000
    },
  })
}

describe('upload bodies over HTTP', () => {
  const upload = (body: BodyInit, headers: Record<string, string> = {}) =>
    call('/repositories/r/branches/b/objects?path=x', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

  beforeEach(() => {
    act = async (request) => {
      await checked(request)
      const { whole, stream, sizeBytes, contentType } = await readUploadBody(request)
      const bytes = whole ?? Buffer.from(await new Response(stream).arrayBuffer())
      const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))
      return json(200, {
        whole: whole !== undefined,
        sizeBytes,
        contentType,
        length: bytes.length,
        sha: Buffer.from(digest).toString('hex'),
      })
    }
  })
  const sha = async (bytes: Uint8Array<ArrayBuffer>) =>
    Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')

  test.each([0, 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000])('of %d bytes, raw and as a form', async (length) => {
    const bytes = new Uint8Array(length).map((_, at) => (at * 7919) >> 3)
    const expected = { length, sha: await sha(bytes) }
    expect(await (await upload(bytes, { 'content-type': 'text/csv; header=1' })).json()).toEqual({
      ...expected,
      whole: length <= 1024 * 1024,
      sizeBytes: length,
      contentType: 'text/csv; header=1',
    })
    const form = new FormData()
    form.set('first', 'x')
    form.set('content', new Blob([bytes], { type: 'image/png' }), 'name.png')
    expect(await (await upload(form)).json()).toMatchObject({ ...expected, contentType: 'image/png' })
    // Clients send an empty stream as a body of length 0.
    if (length === 0) return
    const chunked = inChunks(bytes)
    expect(await (await upload(chunked)).json()).toEqual({
      ...expected,
      whole: false,
      sizeBytes: null,
      contentType: null,
    })
  })

  test('that are malformed are refused', async () => {
    for (const [body, contentType] of [
      ['x', 'multipart/form-data'],
      ['x', 'multipart/form-data; boundary=b'],
      ['--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nx', 'multipart/form-data; boundary=b'],
      ['x', 'not a media type'],
      ['x', '/'],
      [
        '--b\r\nContent-Disposition: form-data; name="content"\r\nContent-Type: text/\u4f60\r\n\r\nx\r\n--b--',
        'multipart/form-data; boundary=b',
      ],
    ] as const) {
      expect((await upload(body, { 'content-type': contentType })).status, contentType).toBe(400)
    }
  })
})
