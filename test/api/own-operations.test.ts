import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { logout } from '../../src/api/auth.ts'
import type { BuiltFeatures, StorageDescription } from '../../src/api/config.ts'
import type { Db } from '../../src/db/db.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'
import { expectShape } from '../support/contract.ts'
import { type Answer, type Call, call as callTarget } from '../support/http.ts'
import { startServer, type TestServer } from './server.ts'

const key = { accessKeyId: 'AKIAJOWNOPERATIONSOQ', secretAccessKey: 'sesame' }
let db: Db
let server: TestServer

beforeAll(async () => {
  db = await openPgliteDb(null)
  await migrate(db)
  server = await startServer(db, { storages: [storage({ id: '' })] })
})
afterAll(async () => {
  await server.close()
  await db.close()
})

function storage(given: Partial<StorageDescription> & { presign?: boolean }): StorageDescription {
  const presign = given.presign ?? true
  return {
    id: 'one',
    description: 'the first',
    type: 's3',
    backwardCompatible: false,
    adapter: {
      capabilities: {
        presign,
        presignMultipart: presign,
        putIfAbsent: true,
        import: true,
        serverSideCopy: true,
        listParts: true,
      },
      rules: { validity: '^s3://', example: 's3://example-bucket/', importValidity: '^s3://', defaultPrefix: null },
    },
    ...given,
  }
}

function send(method: string, path: string, options?: Call, at: TestServer = server): Promise<Answer> {
  return callTarget({ baseUrl: at.url.replace('/api/v1', ''), ...key }, method, path, options)
}
const open = { signed: false }

describe('setup, login and who one is', () => {
  test('before the setup', async () => {
    const state = await send('GET', '/setup_lakefs', open)
    expect(state.status).toBe(200)
    expectShape(state, 'SetupState')
    expect(state.json).toEqual({
      state: 'not_initialized',
      comm_prefs_missing: true,
      login_config: {
        RBAC: 'none',
        login_url: '/auth/login',
        login_url_method: 'none',
        login_failed_message: "The credentials don't match.",
        login_cookie_names: ['internal_auth_session'],
        logout_url: '/logout',
      },
    })
    const prefs = { email: 'jo@example.com', featureUpdates: true, securityUpdates: true }
    const early = await send('POST', '/setup_comm_prefs', { ...open, json: prefs })
    expect([early.status, early.json]).toEqual([412, { message: 'lakeFS is not initialized' }])
    expect((await send('GET', '/config')).status).toBe(401)
    const current = await send('GET', '/user', open)
    expect([current.status, current.json]).toEqual([200, { user: { id: '', creation_date: 0 } }])
  })

  test('the setup, once', async () => {
    for (const json of [{}, { username: '' }, { username: 'a', email: 'nobody' }, { username: 1 }]) {
      expect((await send('POST', '/setup_lakefs', { ...open, json })).status).toBe(400)
    }
    const json = {
      username: 'admin',
      key: { access_key_id: key.accessKeyId, secret_access_key: key.secretAccessKey },
      email: null,
    }
    const done = await send('POST', '/setup_lakefs', { ...open, json })
    expect(done.status).toBe(200)
    expectShape(done, 'CredentialsWithSecret')
    expect(done.json).toEqual({
      access_key_id: key.accessKeyId,
      secret_access_key: key.secretAccessKey,
      creation_date: expect.any(Number),
    })
    const again = await send('POST', '/setup_lakefs', { ...open, json: { username: 'other' } })
    expect([again.status, again.json]).toEqual([409, { message: 'lakeFS already initialized' }])
    expect((await send('GET', '/setup_lakefs', open)).json).toMatchObject({
      state: 'initialized',
      comm_prefs_missing: true,
    })
  })

  test('answers that it was done before it looks at anything, and reads no more than a form', async () => {
    const json = { username: '', key: { access_key_id: ':', secret_access_key: '' }, email: `a@${'a.'.repeat(25_000)}` }
    expect((await send('POST', '/setup_lakefs', { ...open, json })).status).toBe(409)
    for (const path of ['/setup_lakefs', '/setup_comm_prefs', '/auth/login']) {
      const large = await send('POST', path, { ...open, json: { username: 'x'.repeat(64 * 1024) } })
      expect([path, large.status]).toEqual([path, 413])
    }
  })

  test('the question about e-mails, once', async () => {
    const prefs = { email: 'jo@example.com', featureUpdates: true, securityUpdates: true }
    expect((await send('POST', '/setup_comm_prefs', { ...open, json: { ...prefs, email: '' } })).status).toBe(400)
    const saved = await send('POST', '/setup_comm_prefs', { ...open, json: prefs })
    expect([saved.status, saved.bytes.length]).toEqual([200, 0])
    const again = await send('POST', '/setup_comm_prefs', { ...open, json: prefs })
    expect([again.status, again.json]).toEqual([409, { message: 'communication preferences already set' }])
    expect((await send('GET', '/setup_lakefs', open)).json.comm_prefs_missing).toBe(false)
  })

  test('login, and the session that it gives', async () => {
    const json = { access_key_id: key.accessKeyId, secret_access_key: key.secretAccessKey }
    const login = await send('POST', '/auth/login', { ...open, json })
    expect(login.status).toBe(200)
    expectShape(login, 'AuthenticationToken')
    expect(login.json.token_expiration - Date.now() / 1000).toBeGreaterThan(3500)
    const cookie = login.headers.get('set-cookie') ?? ''
    expect(cookie).toBe(`internal_auth_session=${login.json.token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000`)
    const [session = ''] = cookie.split(';')
    for (const headers of [{ cookie: session }, { authorization: `Bearer ${login.json.token}` }] as Record<
      string,
      string
    >[]) {
      const user = await send('GET', '/user', { ...open, headers })
      expectShape(user, 'CurrentUser')
      expect(user.json.user).toEqual({ id: 'admin', creation_date: expect.any(Number), friendly_name: 'admin' })
      expect((await send('GET', '/config', { ...open, headers })).status).toBe(200)
    }
    for (const wrong of [
      { ...json, secret_access_key: 'x' },
      { ...json, access_key_id: 'x' },
    ]) {
      const refused = await send('POST', '/auth/login', { ...open, json: wrong })
      expect([refused.status, refused.json]).toEqual([401, { message: 'error authenticating request' }])
      expect(refused.headers.get('set-cookie')).toBeNull()
    }
    expect((await send('GET', '/user', { ...open, headers: { cookie: 'internal_auth_session=x' } })).status).toBe(401)
  })

  test('capabilities are open, logging out forgets the cookie', async () => {
    expect((await send('GET', '/auth/capabilities', open)).json).toEqual({ invite_user: false })
    expect(logout('/auth/login', true)).toEqual({
      status: 307,
      headers: {
        Location: '/auth/login',
        'Set-Cookie': 'internal_auth_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure',
      },
      body: null,
    })
  })
})

describe('configuration', () => {
  async function config(storages: readonly StorageDescription[], built?: BuiltFeatures) {
    const at = await startServer(db, { storages, ...(built === undefined ? {} : { built }) })
    try {
      const answer = await send('GET', '/config', undefined, at)
      expect(answer.status).toBe(200)
      expectShape(answer, 'Config')
      expectShape({ ...answer, json: answer.json.storage_config }, 'StorageConfig')
      expect((await send('GET', '/config/storage', undefined, at)).json).toEqual(answer.json.storage_config)
      return answer.json
    } finally {
      await at.close()
    }
  }

  test('of a single storage', async () => {
    const { storage_config_list, storage_config, version_config } = await config([storage({ id: '', description: '' })])
    expect(storage_config_list).toEqual([])
    expect(storage_config).toEqual({
      blockstore_type: 's3',
      blockstore_namespace_example: 's3://example-bucket/',
      blockstore_namespace_ValidityRegex: '^s3://',
      default_namespace_prefix: '',
      pre_sign_support: true,
      pre_sign_support_ui: false,
      pre_sign_multipart_upload: true,
      import_support: true,
      import_validity_regex: '^s3://',
      blockstore_id: '',
      blockstore_description: '',
    })
    expect(version_config.version_context).toBe('lakeFS')
    expect(version_config.version).toMatch(/^\d+\.\d+\.\d+$/)
    expect((await send('GET', '/config/version')).json).toEqual(version_config)
  })

  test('of several: every one in the list, the backward-compatible one as the default', async () => {
    const { storage_config_list, storage_config } = await config([
      storage({ id: 'a' }),
      storage({ id: 'b', type: 'r2', backwardCompatible: true }),
    ])
    expect(storage_config_list.map((one: Record<string, unknown>) => [one.blockstore_id, one.blockstore_type])).toEqual(
      [
        ['a', 's3'],
        ['b', 's3'],
      ],
    )
    expect(storage_config).toMatchObject({ blockstore_id: 'b', pre_sign_support: true })
  })

  test('promises presigned URLs by default only when every storage has them and none is Azure', async () => {
    for (const second of [storage({ id: 'b', presign: false }), storage({ id: 'b', type: 'azure' })]) {
      const { storage_config_list, storage_config } = await config([storage({ id: 'a' }), second])
      expect(storage_config).toMatchObject({
        blockstore_id: 'a',
        pre_sign_support: false,
        pre_sign_multipart_upload: false,
      })
      expect(storage_config_list[0].pre_sign_support).toBe(true)
    }
    expect((await config([storage({ id: '', type: 'azure' })])).storage_config.pre_sign_support).toBe(true)
  })

  test('promises what a storage can do only when the server can do it too', async () => {
    const features = ['presign', 'presignMultipart', 'import'] as const
    for (const only of features) {
      const built = Object.fromEntries(features.map((name) => [name, name === only])) as Record<typeof only, boolean>
      const { storage_config_list, storage_config } = await config([storage({ id: 'a' }), storage({ id: 'b' })], built)
      for (const promised of [storage_config, ...storage_config_list]) {
        expect(promised).toMatchObject({
          pre_sign_support: only === 'presign',
          pre_sign_multipart_upload: only === 'presignMultipart',
          import_support: only === 'import',
        })
      }
    }
  })

  test('tells the method of the login page as it is configured', async () => {
    const at = await startServer(db, { loginUrlMethod: 'redirect' })
    try {
      const { json } = await send('GET', '/setup_lakefs', open, at)
      expect(json.login_config.login_url_method).toBe('redirect')
    } finally {
      await at.close()
    }
  })

  test('garbage collection grace, health, statistics', async () => {
    expect((await send('GET', '/config/garbage-collection')).json).toEqual({ grace_period: 86400 })
    expect((await send('GET', '/healthcheck', open)).status).toBe(204)
    const events = [{ class: 'lakectl', name: 'fs_ls', count: 1 }]
    expect((await send('POST', '/statistics', { json: { events } })).status).toBe(204)
    expect(server.events).toEqual(events.map((event) => [event.class, event.name, event.count]))
    expect((await send('POST', '/statistics', { ...open, json: { events } })).status).toBe(401)
    for (const bad of [{ class: '' }, { name: '' }, { count: -1 }, { count: 1.5 }, { count: 'x' }]) {
      const answer = await send('POST', '/statistics', { json: { events: [{ ...events[0], ...bad }] } })
      expect(answer.status).toBe(400)
      expect(answer.json.message).toMatch(/^request body has an error: field "events\.0\./)
    }
  })
})
