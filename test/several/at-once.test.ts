/** What one server has acknowledged, the very next request to another sees: in all directions between Bun and Node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeAccessKeys } from '../acceptance/access-keys.ts'
import { type Call, call, type Target, uniqueName } from '../support/http.ts'
import type { RunningServer } from '../support/server.ts'
import { administrator, createInstallation, type Installation } from './installation.ts'

const runtimes = ['bun', 'node', 'bun'] as const
/** Each way from one server to another. */
const ways = runtimes.flatMap((_, from) => runtimes.flatMap((_, to) => (from === to ? [] : [{ from, to }])))

describe('what one server changes, another sees at once', () => {
  let installation: Installation | undefined
  let servers: readonly RunningServer[] = []
  beforeAll(async () => {
    const here = await createInstallation()
    installation = here
    servers = await Promise.all(runtimes.map((runtime) => here.start(runtime)))
  })
  afterAll(() => installation?.remove())
  const server = (at: number): RunningServer => servers[at] ?? expect.fail('started by the first hook')

  const statusOf = async (target: Target, method: string, path: string, options?: Call) =>
    (await call(target, method, path, options)).status

  describeAccessKeys('access keys on all of them', () => servers)

  it.each(ways)('a deleted key, its login and its cookie: from $from to $to', async ({ from, to }) => {
    const keys = '/auth/users/admin/credentials'
    const made = (await call(server(from), 'POST', keys)).json
    const pair = { accessKeyId: made.access_key_id as string, secretAccessKey: made.secret_access_key as string }
    const there: Target = { baseUrl: server(to).baseUrl, ...pair }
    // Remembered there, with and without a repository in question.
    for (const path of ['/repositories', '/user', '/repositories/never-there/branches', '/repositories'])
      expect(await statusOf(there, 'GET', path)).not.toBe(401)
    const login = { access_key_id: pair.accessKeyId, secret_access_key: pair.secretAccessKey }
    const session = await call(there, 'POST', '/auth/login', { json: login, signed: false })
    expect(session.status).toBe(200)
    const tokens: Call[] = [
      { headers: { authorization: `Bearer ${session.json.token}` } },
      { signed: false, headers: { cookie: `internal_auth_session=${session.json.token}` } },
    ]
    for (const options of tokens)
      for (const target of [server(from), there, server(from)])
        expect(await statusOf(target, 'GET', '/repositories', options)).toBe(200)
    expect(await statusOf(server(from), 'DELETE', `${keys}/${pair.accessKeyId}`)).toBe(204)
    for (const path of ['/repositories', '/user', '/repositories/never-there/branches'])
      for (const options of [{}, ...tokens])
        for (const target of [there, { ...there, baseUrl: server(from).baseUrl }])
          expect(await statusOf(target, 'GET', path, options)).toBe(401)
    expect(await statusOf(there, 'POST', '/auth/login', { json: login, signed: false })).toBe(401)
  })

  it.each(ways)(
    'repositories, metadata, protection, branches, tags, objects: from $from to $to',
    async ({ from, to }) => {
      const name = uniqueName('seen')
      const R = `/repositories/${name}`
      const [here, there] = [server(from), server(to)]
      const asThere = (path: string) => statusOf(there, 'GET', path)
      expect(await asThere(R)).toBe(404)
      const json = { name, storage_namespace: `local://${name}` }
      expect(await statusOf(here, 'POST', '/repositories', { json })).toBe(201)
      expect(await asThere(R)).toBe(200)

      for (let round = 0; round < 3; round++) {
        const branch = `${R}/branches/work`
        const object = `${branch}/objects?path=a`
        const read = `${R}/refs/work/objects?path=a`
        expect(await asThere(branch)).toBe(404)
        expect(await statusOf(here, 'POST', `${R}/branches`, { json: { name: 'work', source: 'main' } })).toBe(201)
        expect(await asThere(branch)).toBe(200)
        expect(await asThere(read)).toBe(404)
        expect(await statusOf(here, 'POST', object, { body: `${round}` })).toBe(201)
        expect((await call(there, 'GET', read)).bytes.toString()).toBe(`${round}`)
        const made = await call(here, 'POST', `${branch}/commits`, { json: { message: `round ${round}` } })
        expect(made.status, made.bytes.toString()).toBe(201)
        expect((await call(there, 'GET', branch)).json.commit_id).toBe(made.json.id)
        expect((await call(there, 'GET', `${R}/refs/work/commits?amount=1`)).json.results[0].id).toBe(made.json.id)
        // Staged on there, taken back here.
        expect(await statusOf(there, 'DELETE', object)).toBe(204)
        expect(await statusOf(here, 'GET', read)).toBe(404)
        expect(await statusOf(here, 'PUT', branch, { json: { type: 'reset' } })).toBe(204)
        expect(await asThere(read)).toBe(200)

        const tag = `${R}/tags/mark`
        expect(await statusOf(here, 'POST', `${R}/tags`, { json: { id: 'mark', ref: 'work' } })).toBe(201)
        expect((await call(there, 'GET', tag)).json.commit_id).toBe(made.json.id)
        expect(await statusOf(here, 'DELETE', tag)).toBe(204)
        expect(await asThere(tag)).toBe(404)
        // The same name, another commit: what was remembered of the first would show.
        expect(await statusOf(here, 'POST', `${R}/tags`, { json: { id: 'mark', ref: 'main' } })).toBe(201)
        expect((await call(there, 'GET', tag)).json.commit_id).not.toBe(made.json.id)
        expect(await statusOf(here, 'DELETE', tag)).toBe(204)

        const rules = `${R}/settings/branch_protection`
        expect(await statusOf(here, 'PUT', rules, { json: [{ pattern: 'wor*' }] })).toBe(204)
        expect(await statusOf(there, 'POST', object, { body: 'refused' })).toBe(403)
        expect(await statusOf(here, 'PUT', rules, { json: [] })).toBe(204)
        expect(await statusOf(there, 'POST', object, { body: 'allowed' })).toBe(201)

        const metadata = { metadata: { round: String(round) } }
        expect(await statusOf(here, 'POST', `${R}/metadata`, { json: metadata })).toBe(204)
        expect((await call(there, 'GET', `${R}/metadata`)).json).toEqual(metadata.metadata)

        expect(await statusOf(here, 'DELETE', branch)).toBe(204)
        expect(await asThere(branch)).toBe(404)
        expect(await statusOf(there, 'POST', object, { body: 'too late' })).toBe(404)
      }
      expect(await statusOf(here, 'DELETE', R)).toBe(204)
      expect(await asThere(R)).toBe(404)
      expect(await statusOf({ ...there, ...administrator }, 'GET', '/repositories')).toBe(200)
    },
  )
})
