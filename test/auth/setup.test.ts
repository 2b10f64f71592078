import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { createAuthCaches, createAuthenticator } from '../../src/auth/authenticate.ts'
import { createIdentities, readAuthVersion } from '../../src/auth/identities.ts'
import { createSealer } from '../../src/auth/seal.ts'
import { claimSecretKey } from '../../src/auth/secret-key.ts'
import { readSetupState, saveCommPrefs, setup } from '../../src/auth/setup.ts'
import { createTokens } from '../../src/auth/tokens.ts'
import type { Db } from '../../src/db/db.ts'
import { credentials, installation, users } from '../../src/db/schema.ts'
import { describeOnDatabases } from '../support/databases.ts'

const sealer = createSealer('secret')
const tokens = createTokens('secret', 60)
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/** A server's view: its own caches over the shared database. */
function server(db: Db) {
  const caches = createAuthCaches()
  const authenticator = createAuthenticator(createIdentities(db, sealer, caches.identities), tokens, caches)
  async function who(headers: Record<string, string>) {
    const authenticated = await authenticator.authenticate(new Headers(headers))
    await authenticated.revalidate(await readAuthVersion(db))
    return authenticated.principal
  }
  return { authenticator, who }
}

describeOnDatabases('setup and identity', (database) => {
  beforeEach(async () => {
    await database().orm.delete(users)
    await database().orm.update(installation).set({ setupAt: null, commPrefs: null, secretCheck: null })
  })

  test('happens once, with generated keys that work', async () => {
    const db = database()
    expect(await readSetupState(db)).toEqual({ initialized: false, commPrefsMissing: true })
    const before = await readAuthVersion(db)
    const created = await setup(db, sealer, { userName: 'admin', accessKey: null, commPrefs: null })
    expect(Math.abs(created.createdAtSeconds - Date.now() / 1000)).toBeLessThan(60)
    expect(await readAuthVersion(db)).not.toBe(before)
    expect(await readSetupState(db)).toEqual({ initialized: true, commPrefsMissing: true })
    const principal = await server(db).who({ authorization: basic(created.accessKeyId, created.secretAccessKey) })
    expect(principal).toMatchObject({ name: 'admin', administrator: true, createdAtSeconds: expect.any(Number) })
    await expect(setup(db, sealer, { userName: 'two', accessKey: null, commPrefs: null })).rejects.toMatchObject({
      code: 'already_initialized',
      message: 'lakeFS already initialized',
    })
  })

  test('of many at once exactly one makes an administrator', async () => {
    const db = database()
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) =>
        setup(db, sealer, { userName: `admin${at}`, accessKey: null, commPrefs: null }),
      ),
    )
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'already_initialized' })
    }
    expect(await db.orm.select().from(users)).toHaveLength(1)
    expect(await db.orm.select().from(credentials)).toHaveLength(1)
  })

  test('takes given keys, and refuses what could not be used', async () => {
    const db = database()
    const attempt = (userName: string, accessKeyId: string, secretAccessKey: string) =>
      setup(db, sealer, { userName, accessKey: { accessKeyId, secretAccessKey }, commPrefs: null })
    for (const [name, id, secret] of [
      ['', 'AK', 's'],
      ['a/b', 'AK', 's'],
      ['a%b', 'AK', 's'],
      ['a', '', 's'],
      ['a', 'AK', ''],
      ['a', 'A:K', 's'],
      ['a', 'A\0K', 's'],
    ] as const) {
      await expect(attempt(name, id, secret)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    await expect(attempt('', 'AK', 's')).rejects.toMatchObject({ message: 'empty user display name' })
    expect((await readSetupState(db)).initialized).toBe(false)
    expect(await attempt('admin', 'AKIAIOSFODNN7EXAMPLE', 'se:cr€t')).toMatchObject({ secretAccessKey: 'se:cr€t' })
    expect((await server(db).who({ authorization: basic('AKIAIOSFODNN7EXAMPLE', 'se:cr€t') }))?.name).toBe('admin')
  })

  test('is refused as done before anything of the request is looked at', async () => {
    const db = database()
    await setup(db, sealer, { userName: 'admin', accessKey: null, commPrefs: null })
    const commPrefs = { email: 'nobody' }
    await expect(setup(db, sealer, { userName: '', accessKey: null, commPrefs })).rejects.toMatchObject({
      code: 'already_initialized',
    })
  })

  test('takes e-mail addresses, and refuses what is none', async () => {
    const db = database()
    const attempt = (email: string) => setup(db, sealer, { userName: 'admin', accessKey: null, commPrefs: { email } })
    const longest = `${'a'.repeat(242)}@example.com`
    for (const email of [
      ...['', 'a', '@b.c', 'a@', 'a@b', 'a@.b', 'a@b.', 'a@b..c', 'a@b@c.d', 'a b@c.d', '"a"@b.c', 'a,b@c.d'],
      ...['a\0@b.c', 'a@b.c\n', `a${longest}`, `a@${'a.'.repeat(5_000_000)}`],
    ]) {
      await expect(attempt(email)).rejects.toMatchObject({ message: 'Invalid email format' })
    }
    await attempt(longest)
  })

  test('a secret key that does not fit the database is told, before the setup and after it', async () => {
    const db = database()
    const other = createSealer('other')
    const refusal = 'sealed with another auth.encrypt.secret_key'
    const request = { userName: 'admin', accessKey: null, commPrefs: null }
    await claimSecretKey(db, sealer)
    await claimSecretKey(db, createSealer('secret'))
    await expect(claimSecretKey(db, other)).rejects.toThrow(refusal)
    await expect(setup(db, other, request)).rejects.toThrow(refusal)
    expect((await readSetupState(db)).initialized).toBe(false)
    await setup(db, sealer, request)
    await claimSecretKey(db, sealer)
    await expect(claimSecretKey(db, other)).rejects.toThrow(refusal)
  })

  test('of several first starts with different secret keys one decides', async () => {
    const db = database()
    const starts = Array.from({ length: 4 }, (_, at) => claimSecretKey(db, createSealer(`key ${at}`)))
    const outcomes = await Promise.allSettled(starts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('a database from before the check value belongs to whoever can open its secrets', async () => {
    const db = database()
    await setup(db, sealer, { userName: 'admin', accessKey: null, commPrefs: null })
    await db.orm.update(installation).set({ secretCheck: null })
    await expect(claimSecretKey(db, createSealer('other'))).rejects.toThrow('auth.encrypt.secret_key')
    await claimSecretKey(db, sealer)
    const [row] = await db.orm.select({ secretCheck: installation.secretCheck }).from(installation)
    expect(row?.secretCheck).toBeInstanceOf(Uint8Array)
  })

  test('the question about e-mails is answered once', async () => {
    const db = database()
    const prefs = { email: 'jo@example.com', featureUpdates: true, securityUpdates: false }
    await expect(saveCommPrefs(db, prefs)).rejects.toMatchObject({ code: 'not_initialized' })
    await setup(db, sealer, { userName: 'admin', accessKey: null, commPrefs: null })
    await expect(saveCommPrefs(db, { ...prefs, email: 'nobody' })).rejects.toMatchObject({ code: 'invalid_argument' })
    await saveCommPrefs(db, prefs)
    expect((await readSetupState(db)).commPrefsMissing).toBe(false)
    await expect(saveCommPrefs(db, { ...prefs, email: 'other@example.com' })).rejects.toMatchObject({
      code: 'conflict',
    })
    const [row] = await db.orm.select({ commPrefs: installation.commPrefs }).from(installation)
    expect(row?.commPrefs).toEqual(prefs)
  })

  describe('authentication', () => {
    const key = { accessKeyId: 'AKIAJTESTTESTTESTTEQ', secretAccessKey: 'sesame' }
    beforeEach(async () => {
      await setup(database(), sealer, { userName: 'admin', accessKey: key, commPrefs: null })
    })

    const changeAuth = () => database().orm.update(installation).set({ authVersion: sql`auth_version + 1` })

    test('knows a caller without asking again until something changed', async () => {
      const { authenticator } = server(database())
      const headers = new Headers({ authorization: basic(key.accessKeyId, key.secretAccessKey) })
      const first = authenticator.authenticate(headers)
      expect(first).toBeInstanceOf(Promise)
      await first
      const second = authenticator.authenticate(headers)
      if (second instanceof Promise) throw new Error('a known caller is answered at once')
      expect(second.principal?.name).toBe('admin')
      expect(second.revalidate(second.authVersion)).toBeUndefined()
      await changeAuth()
      const current = await readAuthVersion(database())
      await second.revalidate(current)
      const third = authenticator.authenticate(headers)
      if (third instanceof Promise) throw new Error('a known caller is answered at once')
      expect(third.authVersion).toBe(current)
    })

    test('a key that is gone is gone at the next request, on every server', async () => {
      const authorization = basic(key.accessKeyId, key.secretAccessKey)
      const servers = [server(database()), server(database())]
      for (const { who } of servers) expect((await who({ authorization }))?.name).toBe('admin')
      await database().orm.delete(credentials)
      await changeAuth()
      for (const { who } of servers) {
        await expect(who({ authorization })).rejects.toMatchObject({ code: 'unauthenticated' })
        await expect(who({ authorization })).rejects.toMatchObject({ code: 'unauthenticated' })
      }
    })

    test('a key made again with another secret is known by the new secret only', async () => {
      const { who } = server(database())
      const [old, fresh] = ['sesame', 'another'].map((secret) => ({ authorization: basic(key.accessKeyId, secret) }))
      if (old === undefined || fresh === undefined) throw new Error('two headers')
      await who(old)
      await expect(who(fresh)).rejects.toMatchObject({ code: 'unauthenticated' })
      await database()
        .orm.update(credentials)
        .set({ sealedSecret: sealer.seal(key.accessKeyId, 'another') })
      await changeAuth()
      expect((await who(fresh))?.name).toBe('admin')
      await expect(who(old)).rejects.toMatchObject({ code: 'unauthenticated' })
    })

    test('a login token works as bearer and as cookie as long as its user exists', async () => {
      const { who, authenticator } = server(database())
      expect((await authenticator.verifyAccessKey(key.accessKeyId, key.secretAccessKey)).name).toBe('admin')
      await expect(authenticator.verifyAccessKey(key.accessKeyId, 'x')).rejects.toMatchObject({
        code: 'unauthenticated',
      })
      const { token } = await tokens.issue('admin')
      const ways = [{ authorization: `Bearer ${token}` }, { cookie: `sessionId=7; internal_auth_session=${token}` }]
      for (const way of ways) expect((await who(way))?.name).toBe('admin')
      await database().orm.delete(users)
      await changeAuth()
      for (const way of ways) await expect(who(way)).rejects.toMatchObject({ code: 'unauthenticated' })
    })

    test('only short headers are remembered; a long one is proved each time', async () => {
      const caches = createAuthCaches()
      const identities = createIdentities(database(), sealer, caches.identities)
      const authenticator = createAuthenticator(identities, tokens, caches)
      const right = basic(key.accessKeyId, key.secretAccessKey)
      const padded = right.replace(' ', ' '.repeat(100_000))
      for (const authorization of [right, padded]) {
        const proven = await authenticator.authenticate(new Headers({ authorization }))
        await changeAuth()
        await proven.revalidate(await readAuthVersion(database()))
        expect(proven.principal?.name).toBe('admin')
      }
      expect([...caches.proofs.keys()]).toEqual([right])
      expect(authenticator.authenticate(new Headers({ authorization: padded }))).toBeInstanceOf(Promise)
    })

    test('a token is not remembered beyond its expiry', async () => {
      const caches = createAuthCaches()
      const identities = createIdentities(database(), sealer, caches.identities)
      const authenticator = createAuthenticator(identities, tokens, caches)
      const { token } = await tokens.issue('admin')
      const headers = new Headers({ authorization: `Bearer ${token}` })
      await authenticator.authenticate(headers)
      const proof = caches.proofs.get(`Bearer ${token}`)
      if (proof === undefined) throw new Error('the token is remembered')
      caches.proofs.set(`Bearer ${token}`, { ...proof, expiresAtSeconds: 1 })
      // Remembered no longer, it is verified again.
      expect(authenticator.authenticate(headers)).toBeInstanceOf(Promise)
    })

    test('what is there and wrong ends the request; nothing at all is nobody', async () => {
      const { who } = server(database())
      const { token } = await tokens.issue('nobody')
      const right = { authorization: basic(key.accessKeyId, key.secretAccessKey) }
      const admin = (await tokens.issue('admin')).token
      for (const wrong of [
        { authorization: basic(key.accessKeyId, 'wrong') },
        { authorization: basic('AKIAUNKNOWN', 'sesame') },
        { authorization: basic('AK\0', 'sesame') },
        { authorization: basic('', '') },
        { authorization: 'Basic !!!' },
        { authorization: 'Bearer nonsense' },
        { authorization: `Bearer ${token}` },
        { cookie: 'internal_auth_session=nonsense' },
        { authorization: basic('AKIAUNKNOWN', 'x'), cookie: `internal_auth_session=${admin}` },
      ]) {
        await expect(who(wrong), JSON.stringify(wrong)).rejects.toMatchObject({ code: 'unauthenticated' })
      }
      for (const none of [
        {},
        { cookie: 'other=1' },
        { cookie: 'internal_auth_session=' },
        { authorization: 'Digest x' },
      ]) {
        expect(await who(none)).toBeNull()
      }
      expect((await who({ ...right, cookie: 'internal_auth_session=nonsense' }))?.name).toBe('admin')
    })
  })
})
