/** What objects and commits may be called and carry, from the wire to the catalog and back. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stageObject } from '../../src/catalog/external-objects.ts'
import { type Answer, basic, type Call, call } from '../support/http.ts'
import { startApp, type TestApp } from './app.ts'

let app: TestApp
const branch = '/repositories/odd/branches/main'
const refs = '/repositories/odd/refs/main'

beforeAll(async () => {
  app = await startApp()
  const json = { name: 'odd', storage_namespace: 'mem://odd', storage_id: 'mem' }
  expect((await send('POST', '/repositories', { json })).status).toBe(201)
})
afterAll(() => app.close())
beforeEach(() => {
  app.logged.length = 0
})

function send(method: string, path: string, options?: Call): Promise<Answer> {
  return call(app, method, path, options)
}

function refusal(answer: Answer, problem: string | RegExp): void {
  expect([answer.status, answer.json]).toEqual([400, { message: expect.stringMatching(problem) }])
}

async function stage(fields: Record<string, unknown>): Promise<Answer> {
  const json = { physical_address: 'mem://odd/data/x', checksum: 'abc', size_bytes: 1, ...fields }
  return send('PUT', `${branch}/objects?path=staged`, { json })
}

describe('metadata', () => {
  // As text: in a literal, `__proto__` would be the prototype.
  const source = '{"__proto__":"p","constructor":"c","prototype":"q","a.b":""}'

  test('of a staged object keeps every key', async () => {
    const staged = await stage({ metadata: JSON.parse(source) })
    expect(staged.status).toBe(201)
    const { metadata } = (await send('GET', `${refs}/objects/stat?path=staged`)).json
    expect(new Map(Object.entries(metadata))).toEqual(new Map(Object.entries(JSON.parse(source))))
  })

  test('of a commit keeps every key', async () => {
    await stage({})
    const body = `{"message":"m","metadata":${source}}`
    const headers = { 'content-type': 'application/json' }
    const made = await send('POST', `${branch}/commits`, { body, headers })
    expect(made.status).toBe(201)
    const read = await send('GET', `/repositories/odd/commits/${made.json.id}`)
    for (const { metadata } of [made.json, read.json])
      expect(new Map(Object.entries(metadata))).toEqual(new Map(Object.entries(JSON.parse(source))))
  })

  test('in headers keeps every key; what is sent twice is one text', async () => {
    const headers = new Headers({ 'content-type': 'text/plain', authorization: basic(app) })
    headers.set('x-lakefs-meta-__proto__', 'p')
    headers.set('x-lakefs-meta-constructor', 'c')
    headers.set('x-lakefs-internal-mode', '644')
    headers.append('x-lakefs-meta-twice', '1')
    headers.append('x-lakefs-meta-twice', '2')
    const at = `${app.baseUrl}/api/v1${branch}/objects?path=uploaded`
    expect((await fetch(at, { method: 'POST', body: 'x', headers })).status).toBe(201)
    const { metadata } = (await send('GET', `${refs}/objects/stat?path=uploaded`)).json
    expect(Object.entries(metadata).sort()).toEqual([
      ['::lakefs::mode', '644'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['twice', '1, 2'],
    ])
  })

  test('of another form is refused, naming the key', async () => {
    refusal(await stage({ metadata: ['a'] }), 'field "metadata": must be an object')
    refusal(await stage({ metadata: 'a' }), 'field "metadata": must be an object')
    refusal(await stage({ metadata: { k: 1 } }), 'field "metadata.k": must be a string')
    refusal(await stage({ metadata: { k: 'a\0' } }), 'field "metadata.k": must not contain NUL')
    refusal(await stage({ metadata: { 'k\0': 'a' } }), 'must not contain NUL')
    const commit = { message: 'm', metadata: { k: null } }
    refusal(await send('POST', `${branch}/commits`, { json: commit }), 'field "metadata.k": must be a string')
  })
})

describe('what goes out in headers', () => {
  test('is refused where it comes in', async () => {
    for (const checksum of ['a\nb', '你', 'a\0', '\x7f'])
      refusal(await stage({ checksum }), 'field "checksum": must not contain control')
    for (const storageClass of ['standard', 'A B', `${'A'.repeat(65)}`, '%C3%89', 'A%0AB']) {
      const at = `${branch}/objects?path=x&storageClass=${storageClass}`
      refusal(await send('POST', at, { body: 'x' }), 'parameter "storageClass" in query has an error')
    }
    expect((await send('POST', `${branch}/objects?path=x&storageClass=STANDARD_IA`, { body: 'x' })).status).toBe(201)
    const form = '--b\r\nContent-Disposition: form-data; name="content"\r\nContent-Type: text/你\r\n\r\nx\r\n--b--'
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    refusal(await send('POST', `${branch}/objects?path=x`, { body: form, headers }), 'Content-Type of "content"')
  })

  test('goes out safely where it lies already, as lakeFS may have written it', async () => {
    const caller = { checkVersions: () => undefined }
    await stageObject(app.catalog, caller, {
      ...{ repository: 'odd', branch: 'main', path: Buffer.from('foreign'), force: false },
      ...{ physicalAddress: 'mem://odd/data/x', checksum: '你\n', sizeBytes: 0, mtimeSeconds: 300_000_000_000 },
      ...{ metadata: {}, contentType: '你/\n' },
    })
    for (const method of ['HEAD', 'GET']) {
      const answer = await send(method, `${refs}/objects?path=foreign`)
      // The bytes behind it are not there.
      expect([method, answer.status]).toEqual([method, method === 'HEAD' ? 200 : 410])
    }
    const head = await send('HEAD', `${refs}/objects?path=foreign`)
    expect(head.headers.get('etag')).toBe('"%E4%BD%A0%0A"')
    expect(head.headers.get('content-type')).toBe('application/octet-stream')
    expect(head.headers.has('last-modified')).toBe(false)
    const headers = { 'if-none-match': '"%E4%BD%A0%0A"' }
    expect((await send('GET', `${refs}/objects?path=foreign`, { headers })).status).toBe(304)
    expect(app.logged).toEqual([])
  })
})

test('a range that cannot be served tells the size in the same words, whoever notices', async () => {
  const { json } = await send('POST', `${branch}/objects?path=short`, { body: 'ten bytes.' })
  const claimed = { physical_address: json.physical_address, size_bytes: 100 }
  expect((await stage(claimed)).status).toBe(201)
  // Behind what the entry says, several, backwards, none; behind the bytes that the storage has.
  for (const range of ['bytes=100-', 'bytes=0-1, 3-4', 'bytes=4-3', 'bytes=-0', 'bytes=50-60']) {
    const headers = { range }
    const answer = await send('GET', `${refs}/objects?path=staged`, { headers })
    expect([range, answer.status, answer.json]).toEqual([range, 416, { message: 'Requested Range Not Satisfiable' }])
    expect(answer.headers.get('content-range')).toBe('bytes */100')
    if (range === 'bytes=50-60') continue
    const head = await send('HEAD', `${refs}/objects?path=staged`, { headers })
    expect([range, head.status, head.headers.get('content-range')]).toEqual([range, 416, 'bytes */100'])
  }
  expect(app.logged).toEqual([])
})

test('times outside of what can be stored are refused, by the name of their field', async () => {
  for (const seconds of [-62_135_596_801, 253_402_300_800, 0.5]) {
    refusal(await stage({ mtime: seconds }), 'field "mtime": must be')
    const json = { message: 'm', date: seconds }
    refusal(await send('POST', `${branch}/commits`, { json }), 'field "date": must be')
  }
  for (const mtime of [-62_135_596_800, -1, 253_402_300_799]) {
    expect((await stage({ mtime })).json.mtime).toBe(mtime)
    expect((await send('GET', `${refs}/objects/stat?path=staged`)).json.mtime).toBe(mtime)
    const head = await send('HEAD', `${refs}/objects?path=staged`)
    expect(head.headers.get('last-modified')).toBe(new Date(mtime * 1000).toUTCString())
    const json = { message: 'm', date: mtime, allow_empty: true }
    expect((await send('POST', `${branch}/commits`, { json })).json.creation_date).toBe(mtime)
  }
  const since = '2024-02-30T00:00:00Z'
  refusal(await send('GET', `${refs}/commits?since=${since}`), 'parameter "since" in query has an error')
})

test('the configuration promises what is built, and no more', async () => {
  const { json } = await send('GET', '/config/storage')
  const operations = {
    pre_sign_support: ['GET', `${refs}/objects?path=staged&presign=true`],
    pre_sign_multipart_upload: ['POST', `${branch}/staging/pmpu?path=x`],
    import_support: ['POST', `${branch}/import`],
  } as const
  for (const [promise, [method, path]] of Object.entries(operations)) {
    const { status } = await send(method, path)
    expect([promise, json[promise]]).toEqual([promise, status !== 501])
  }
})
