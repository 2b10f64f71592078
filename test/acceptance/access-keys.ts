/** The administrator's own access keys, over HTTP only. `servers` are one or more on the same database. */
import { describe, expect, it } from 'vitest'
import { expectShape, refusal } from '../support/contract.ts'
import { type Call, call, type Target } from '../support/http.ts'

export function describeAccessKeys(title: string, servers: () => readonly Target[]): void {
  describe(title, () => {
    const first = () => servers()[0] as Target
    const send = (method: string, path: string, options?: Call) => call(first(), method, path, options)
    const me = async () => (await send('GET', '/user')).json.user.id as string
    const keysOf = async (user: string) => {
      const listed = await send('GET', `/auth/users/${user}/credentials?amount=1000`)
      expectShape(listed, 'CredentialsList')
      return listed.json.results.map((key: { access_key_id: string }) => key.access_key_id) as string[]
    }
    const create = async (user: string) => {
      const made = await send('POST', `/auth/users/${user}/credentials`)
      expect(made.status, made.bytes.toString()).toBe(201)
      expectShape(made, 'CredentialsWithSecret')
      return { accessKeyId: made.json.access_key_id as string, secretAccessKey: made.json.secret_access_key as string }
    }
    /** What each server answers to a key, for an operation on a repository and for one without. */
    const statuses = async (key: { accessKeyId: string; secretAccessKey: string }) => {
      const paths = ['/repositories', '/repositories/never-there/branches']
      const calls = servers().flatMap(({ baseUrl }) => paths.map((path) => call({ baseUrl, ...key }, 'GET', path)))
      return [...new Set((await Promise.all(calls)).map(({ status }) => status))].sort()
    }

    it('the user is found and listed', async () => {
      const user = await me()
      const got = await send('GET', `/auth/users/${user}`)
      expectShape(got, 'User')
      expect(got.json.id).toBe(user)
      const listed = await send('GET', `/auth/users?prefix=${user.slice(0, 2)}`)
      expectShape(listed, 'UserList')
      expect(listed.json).toMatchObject({ results: [got.json], pagination: { has_more: false, next_offset: '' } })
      expect((await send('GET', `/auth/users?after=${user}`)).json.results).toEqual([])
      expect((await send('GET', '/auth/users?prefix=no-such')).json.results).toEqual([])
      refusal(await send('GET', '/auth/users/nobody'), 404, /^user not found$/)
      expect((await send('GET', '/auth/users', { signed: false })).status).toBe(401)
    })

    it('several keys work at once, on every server, and show their secret only once', async () => {
      const user = await me()
      const made = [await create(user), await create(user)]
      for (const key of made) {
        expect(key.accessKeyId).toMatch(/^AKIAJ[A-Z2-7]{14}Q$/)
        expect(await statuses(key)).toEqual([200, 404])
        const got = await send('GET', `/auth/users/${user}/credentials/${key.accessKeyId}`)
        expectShape(got, 'Credentials')
        expect(got.bytes.toString()).not.toContain('secret')
      }
      const all = await keysOf(user)
      expect(all).toEqual([...all].sort())
      expect(all).toEqual(expect.arrayContaining([first().accessKeyId, ...made.map((key) => key.accessKeyId)]))
      const page = await send('GET', `/auth/users/${user}/credentials?amount=1`)
      expect(page.json.pagination).toMatchObject({ has_more: true, next_offset: all[0], results: 1 })
      const rest = await send('GET', `/auth/users/${user}/credentials?after=${all[0]}`)
      expect(rest.json.results).toHaveLength(all.length - 1)
    })

    it('a deleted key is refused at once by every server, also when it was just used', async () => {
      const user = await me()
      const key = await create(user)
      for (let round = 0; round < 3; round++) expect(await statuses(key)).toEqual([200, 404])
      // By itself: what is left is the other keys.
      const gone = await call({ ...first(), ...key }, 'DELETE', `/auth/users/${user}/credentials/${key.accessKeyId}`)
      expect(gone.status).toBe(204)
      expect(await statuses(key)).toEqual([401])
      expect(await statuses(first())).toEqual([200, 404])
      const at = `/auth/users/${user}/credentials/${key.accessKeyId}`
      refusal(await send('GET', at), 404, /^credentials not found$/)
      refusal(await send('DELETE', at), 404, /^credentials not found$/)
      const login = { access_key_id: key.accessKeyId, secret_access_key: key.secretAccessKey }
      expect((await send('POST', '/auth/login', { json: login, signed: false })).status).toBe(401)
    })

    it('the last key stays, also for somebody who came by a login', async () => {
      const user = await me()
      const other = await create(user)
      for (const id of await keysOf(user))
        if (id !== first().accessKeyId && id !== other.accessKeyId)
          expect((await send('DELETE', `/auth/users/${user}/credentials/${id}`)).status).toBe(204)
      const token = (
        await send('POST', '/auth/login', {
          json: { access_key_id: first().accessKeyId, secret_access_key: first().secretAccessKey },
        })
      ).json.token as string
      const headers = { authorization: `Bearer ${token}` }
      const deletions = await Promise.all(
        [other.accessKeyId, other.accessKeyId].map((id) =>
          send('DELETE', `/auth/users/${user}/credentials/${id}`, { headers }),
        ),
      )
      expect(deletions.map(({ status }) => status).sort()).toEqual([204, 404])
      const last = await send('DELETE', `/auth/users/${user}/credentials/${first().accessKeyId}`, { headers })
      refusal(last, 409, /it is the last one of user/)
      expect(await keysOf(user)).toEqual([first().accessKeyId])
      refusal(await send('POST', '/auth/users/nobody/credentials'), 404, /^user not found$/)
      refusal(await send('GET', '/auth/users/nobody/credentials'), 404, /^user not found$/)
      refusal(await send('DELETE', `/auth/users/nobody/credentials/${first().accessKeyId}`), 404, /^user not found$/)
    })
  })
}
