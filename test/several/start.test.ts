/** Servers that meet an empty database at the same moment, and one that does not belong to them. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../support/http.ts'
import { administrator, createInstallation, type Installation } from './installation.ts'

describe('the first start of several servers at once', () => {
  let installation: Installation | undefined
  const here = () => installation ?? expect.fail('made by the first hook')
  beforeAll(async () => {
    installation = await createInstallation()
  })
  afterAll(() => installation?.remove())

  it('makes one administrator and one installation, and all serve both', async () => {
    const servers = await Promise.all((['bun', 'node', 'bun'] as const).map((runtime) => here().start(runtime)))
    const ids = new Set<string>()
    for (const server of servers) {
      const alive = await fetch(`${server.baseUrl}/_health`)
      ids.add(await alive.text())
      const user = await call(server, 'GET', '/user')
      expect([user.status, user.json?.user.id]).toEqual([200, 'admin'])
      const keys = await call(server, 'GET', '/auth/users/admin/credentials')
      expect(keys.json.results.map((key: { access_key_id: string }) => key.access_key_id)).toEqual([
        administrator.accessKeyId,
      ])
    }
    expect(ids.size).toBe(1)
    // A token that one issued is good on the others: they share its secret.
    const login = { access_key_id: administrator.accessKeyId, secret_access_key: administrator.secretAccessKey }
    const [first] = servers
    const { token } = (await call(first ?? expect.fail(), 'POST', '/auth/login', { json: login, signed: false })).json
    for (const server of servers) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await call(server, 'GET', '/user', { headers })).status).toBe(200)
    }
    const client = new pg.Client({ connectionString: here().databaseUrl })
    await client.connect()
    const counts = 'SELECT (SELECT count(*) FROM users)::int AS users, (SELECT count(*) FROM installation)::int AS rows'
    expect((await client.query(counts)).rows).toEqual([{ users: 1, rows: 1 }])
    await client.end()
  })

  it('refuses a server with another encryption secret, and says so', async () => {
    const stranger = here().start('bun', { INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'the key of somebody else entirely' })
    await expect(stranger).rejects.toThrow(/sealed with another auth\.encrypt\.secret_key/)
  })
})

describe('servers with different encryption secrets that start at once', () => {
  let installation: Installation | undefined
  beforeAll(async () => {
    installation = await createInstallation()
  })
  afterAll(() => installation?.remove())

  it('do not serve one database together', async () => {
    const here = installation ?? expect.fail('made by the first hook')
    const outcomes = await Promise.allSettled(
      (['bun', 'node', 'bun', 'node'] as const).map((runtime, at) =>
        here.start(runtime, { INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: `the key that only server ${at} has` }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(String(outcome.reason)).toMatch(/sealed with another auth\.encrypt\.secret_key/)
  })
})

describe('servers with different encryption secrets before anybody has done the setup', () => {
  let installation: Installation | undefined
  const here = () => installation ?? expect.fail('made by the first hook')
  beforeAll(async () => {
    installation = await createInstallation()
  })
  afterAll(() => installation?.remove())

  it('only those with the secret of the first start, and one of them makes the administrator for all', async () => {
    const refusal = /sealed with another auth\.encrypt\.secret_key/
    const first = await here().startUninitialized('bun', 'the key of the first start')
    await expect(here().startUninitialized('node', 'the key of another')).rejects.toThrow(refusal)
    const second = await here().startUninitialized('node', 'the key of the first start')
    const json = {
      username: 'root',
      key: { access_key_id: administrator.accessKeyId, secret_access_key: administrator.secretAccessKey },
    }
    expect((await call(second, 'POST', '/setup_lakefs', { json, signed: false })).status).toBe(200)
    for (const server of [first, second]) expect((await call(server, 'GET', '/user')).json.user.id).toBe('root')
    await expect(here().startUninitialized('bun', 'the key of another')).rejects.toThrow(refusal)
  })
})

describe('servers with different encryption secrets that start at once before the setup', () => {
  let installation: Installation | undefined
  beforeAll(async () => {
    installation = await createInstallation()
  })
  afterAll(() => installation?.remove())

  it('do not serve one database together', async () => {
    const here = installation ?? expect.fail('made by the first hook')
    const outcomes = await Promise.allSettled(
      (['bun', 'node', 'bun', 'node'] as const).map((runtime, at) =>
        here.startUninitialized(runtime, `the key that only server ${at} has`),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(String(outcome.reason)).toMatch(/sealed with another auth\.encrypt\.secret_key/)
  })
})
