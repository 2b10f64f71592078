/** Tags, repository metadata, resets, protection and the uncommitted diff, over HTTP only. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape, refusal } from '../support/contract.ts'
import { type Call, call, type Target, uniqueName } from '../support/http.ts'

const q = encodeURIComponent

export function describeRefs(title: string, server: () => Target): void {
  describe(title, () => {
    const name = uniqueName('refs')
    const readOnly = uniqueName('frozen')
    const R = `/repositories/${name}`
    const send = (method: string, path: string, options?: Call) => call(server(), method, path, options)
    const ok = async (status: number, method: string, path: string, options?: Call) => {
      const answer = await send(method, path, options)
      expect(answer.status, `${method} ${path}: ${answer.bytes.toString()}`).toBe(status)
      return answer
    }
    const branchFrom = async (source: string) => {
      const branch = uniqueName('branch')
      await ok(201, 'POST', `${R}/branches`, { json: { name: branch, source } })
      return branch
    }
    const put = (branch: string, path: string, body = 'content') =>
      ok(201, 'POST', `${R}/branches/${branch}/objects?path=${q(path)}`, { body })
    const remove = (branch: string, path: string) =>
      ok(204, 'DELETE', `${R}/branches/${branch}/objects?path=${q(path)}`)
    const commit = (branch: string) =>
      ok(201, 'POST', `${R}/branches/${branch}/commits`, { json: { message: 'a commit' } })
    const paths = async (ref: string) => {
      const listed = await ok(200, 'GET', `${R}/refs/${q(ref)}/objects/ls?amount=1000`)
      return listed.json.results.map((entry: { path: string }) => entry.path)
    }
    const read = async (ref: string, path: string) =>
      (await ok(200, 'GET', `${R}/refs/${q(ref)}/objects?path=${q(path)}`)).bytes.toString()

    beforeAll(async () => {
      const place = `local://${name}`
      await ok(201, 'POST', '/repositories', { json: { name, storage_namespace: place } })
      const frozen = { name: readOnly, storage_namespace: `local://${readOnly}`, read_only: true }
      await ok(201, 'POST', '/repositories', { json: frozen })
    })

    describe('tags', () => {
      it('name a commit by any ref expression, are found, listed by pages and deleted', async () => {
        const head = (await send('GET', `${R}/branches/main`)).json.commit_id
        for (const ref of ['main', 'main@', head, head.slice(0, 10)]) {
          const made = await ok(201, 'POST', `${R}/tags`, { json: { id: 'v1.0', ref } })
          expectShape(made, 'Ref')
          expect(made.json).toEqual({ id: 'v1.0', commit_id: head })
          const got = await ok(200, 'GET', `${R}/tags/v1.0`)
          expect(got.json).toEqual(made.json)
          await ok(204, 'DELETE', `${R}/tags/v1.0`)
        }
        for (const id of ['ä', 'v1', 'v10', 'v2']) await ok(201, 'POST', `${R}/tags`, { json: { id, ref: 'main' } })
        const all = await ok(200, 'GET', `${R}/tags`)
        expectShape(all, 'RefList')
        expect(all.json.results.map((tag: { id: string }) => tag.id)).toEqual(['v1', 'v10', 'v2', 'ä'])
        const first = await ok(200, 'GET', `${R}/tags?prefix=v1&amount=1`)
        expect(first.json).toMatchObject({ results: [{ id: 'v1' }], pagination: { has_more: true, next_offset: 'v1' } })
        const rest = await ok(200, 'GET', `${R}/tags?prefix=v1&after=v1`)
        expect(rest.json).toMatchObject({ results: [{ id: 'v10' }], pagination: { has_more: false, next_offset: '' } })
        expect((await ok(200, 'GET', `${R}/refs/v1/commits`)).json.results[0].id).toBe(head)
      })

      it('refuse names in use, bad names, refs that are not there and what is no commit', async () => {
        const make = (id: string, ref = 'main', more = {}) => send('POST', `${R}/tags`, { json: { id, ref, ...more } })
        await ok(201, 'POST', `${R}/tags`, { json: { id: 'taken', ref: 'main' } })
        refusal(await make('taken'), 409, /tag already exists: not unique/)
        refusal(await make('taken', 'main', { force: true }), 409, /tag already exists: not unique/)
        refusal(await make('main'), 409, /branch name main: conflict found/)
        const branch = await send('POST', `${R}/branches`, { json: { name: 'taken', source: 'main' } })
        refusal(branch, 409, /tag ID taken: conflict found/)
        refusal(await make('fresh', 'nowhere'), 404, /not found/)
        refusal(await make('fresh', 'main$'), 400, /not a commit/)
        for (const id of ['', '@', 'a/b', 'a..b', 'x.lock', 'a b', 'a:b']) refusal(await make(id), 400, /tag id/)
        refusal(await send('POST', `${R}/tags`, { json: { id: 'fresh' } }), 400, /"ref" is required/)
        refusal(await send('GET', `${R}/tags/never`), 404, /tag not found/)
        refusal(await send('GET', `${R}/tags/main`), 404, /tag not found/)
        refusal(await send('DELETE', `${R}/tags/never`), 404, /tag not found/)
        refusal(await send('DELETE', `${R}/tags/main`), 404, /tag not found/)
        refusal(await send('GET', '/repositories/never-there/tags'), 404, /repository not found/)
      })

      it('of a read-only repository move only by force', async () => {
        const at = `/repositories/${readOnly}/tags`
        refusal(await send('POST', at, { json: { id: 'v1', ref: 'main' } }), 403, /read-only repository/)
        await ok(201, 'POST', at, { json: { id: 'v1', ref: 'main', force: true } })
        refusal(await send('DELETE', `${at}/v1`), 403, /read-only repository/)
        await ok(204, 'DELETE', `${at}/v1?force=true`)
      })

      it('exclude branches of the same name also when both come at once', async () => {
        for (let round = 0; round < 5; round++) {
          const id = uniqueName('both')
          const answers = await Promise.all([
            send('POST', `${R}/tags`, { json: { id, ref: 'main' } }),
            send('POST', `${R}/branches`, { json: { name: id, source: 'main' } }),
          ])
          expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
        }
      })
    })

    describe('repository metadata', () => {
      it('is set by key, kept beside what was there, and removed by key', async () => {
        const at = `${R}/metadata`
        expect((await ok(200, 'GET', at)).json).toEqual({})
        await ok(204, 'POST', at, { json: { metadata: { owner: 'ana', 'key with "quotes", {braces}': '\\' } } })
        const proto = '{"metadata":{"owner":"bo","__proto__":"own"}}'
        await ok(204, 'POST', at, { body: proto, headers: { 'content-type': 'application/json' } })
        const got = await ok(200, 'GET', at)
        expectShape(got, 'RepositoryMetadata')
        expect(Object.entries(got.json).sort()).toEqual([
          ['__proto__', 'own'],
          ['key with "quotes", {braces}', '\\'],
          ['owner', 'bo'],
        ])
        await ok(204, 'DELETE', at, { json: { keys: ['key with "quotes", {braces}', '__proto__', 'unknown'] } })
        expect((await ok(200, 'GET', at)).json).toEqual({ owner: 'bo' })
        await ok(204, 'POST', at, { json: { metadata: {} } })
        expect((await ok(200, 'GET', at)).json).toEqual({ owner: 'bo' })
      })

      it('of keys set at once keeps them all', async () => {
        const at = `${R}/metadata`
        const keys = Array.from({ length: 10 }, (_, i) => `key-${i}`)
        await Promise.all(keys.map((key) => ok(204, 'POST', at, { json: { metadata: { [key]: key } } })))
        expect((await ok(200, 'GET', at)).json).toMatchObject(Object.fromEntries(keys.map((key) => [key, key])))
      })

      it('refuses values that are no text, and repositories that are not there', async () => {
        refusal(await send('POST', `${R}/metadata`, { json: { metadata: { a: 1 } } }), 400, /metadata/)
        refusal(await send('POST', `${R}/metadata`, { json: { metadata: { a: '\0' } } }), 400, /NUL/)
        refusal(await send('POST', `${R}/metadata`, { json: {} }), 400, /"metadata" is required/)
        refusal(await send('DELETE', `${R}/metadata`, { json: { keys: 'a' } }), 400, /keys/)
        const gone = '/repositories/never-there/metadata'
        refusal(await send('GET', gone), 404, /repository not found/)
        refusal(await send('POST', gone, { json: { metadata: {} } }), 404, /repository not found/)
        refusal(await send('DELETE', gone, { json: { keys: [] } }), 404, /repository not found/)
      })
    })

    describe('resets', () => {
      const prepare = async () => {
        const branch = await branchFrom('main')
        for (const path of ['a', 'dir', 'dir/1', 'dir/2', 'dir0']) await put(branch, path, 'committed')
        await commit(branch)
        await put(branch, 'a', 'changed')
        await put(branch, 'dir/1', 'changed')
        await put(branch, 'dir/3', 'new')
        await put(branch, 'dir1', 'new')
        await remove(branch, 'dir/2')
        await remove(branch, 'dir')
        return branch
      }
      const reset = (branch: string, body: Record<string, unknown>) =>
        send('PUT', `${R}/branches/${branch}`, { json: body })

      it('of everything bring the committed state back, and the head stays', async () => {
        const branch = await prepare()
        const head = (await ok(200, 'GET', `${R}/branches/${branch}`)).json.commit_id
        expect((await reset(branch, { type: 'reset' })).status).toBe(204)
        expect(await paths(branch)).toEqual(['a', 'dir', 'dir/1', 'dir/2', 'dir0'])
        expect(await read(branch, 'a')).toBe('committed')
        expect((await ok(200, 'GET', `${R}/branches/${branch}`)).json.commit_id).toBe(head)
        refusal(await send('POST', `${R}/branches/${branch}/commits`, { json: { message: 'x' } }), 400, /no changes/)
        expect((await reset(branch, { type: 'reset' })).status).toBe(204)
        await put(branch, 'after')
        await commit(branch)
        expect(await paths(`${branch}@`)).toContain('after')
      })

      it('of one path and of a prefix leave everything else as it is', async () => {
        const branch = await prepare()
        expect((await reset(branch, { type: 'object', path: 'a' })).status).toBe(204)
        expect(await read(branch, 'a')).toBe('committed')
        expect((await reset(branch, { type: 'object', path: 'dir' })).status).toBe(204)
        expect(await paths(branch)).toEqual(['a', 'dir', 'dir/1', 'dir/3', 'dir0', 'dir1'])
        expect((await reset(branch, { type: 'common_prefix', path: 'dir/' })).status).toBe(204)
        expect(await paths(branch)).toEqual(['a', 'dir', 'dir/1', 'dir/2', 'dir0', 'dir1'])
        expect(await read(branch, 'dir/1')).toBe('committed')
        for (const type of ['object', 'common_prefix'])
          expect((await reset(branch, { type, path: 'nothing/here' })).status).toBe(204)
        await commit(branch)
        expect(await paths(`${branch}@`)).toEqual(['a', 'dir', 'dir/1', 'dir/2', 'dir0', 'dir1'])
        await put(branch, 'b')
        expect((await reset(branch, { type: 'common_prefix', path: '' })).status).toBe(204)
        expect(await paths(branch)).not.toContain('b')
      })

      it('refuse other types, missing paths, branches that are not there and read-only repositories', async () => {
        refusal(await reset('main', { type: 'hard' }), 400, /"type"/)
        refusal(await reset('main', {}), 400, /"type" is required/)
        for (const type of ['object', 'common_prefix'])
          refusal(await reset('main', { type }), 400, /"path" is required/)
        refusal(await reset('main', { type: 'object', path: '' }), 400, /path/)
        refusal(await reset('main', { type: 'object', path: 'x'.repeat(1025) }), 400, /1024/)
        refusal(await reset('never', { type: 'reset' }), 404, /branch not found/)
        refusal(await reset('never', { type: 'object', path: 'a' }), 404, /branch not found/)
        await ok(201, 'POST', `${R}/tags`, { json: { id: 'no-branch', ref: 'main' } })
        refusal(await reset('no-branch', { type: 'common_prefix', path: 'a' }), 404, /branch not found/)
        const at = `/repositories/${readOnly}/branches/main`
        refusal(await send('PUT', at, { json: { type: 'reset' } }), 403, /read-only repository/)
        await ok(204, 'PUT', at, { json: { type: 'reset', force: true } })
      })
    })

    describe('branch protection', () => {
      const at = `${R}/settings/branch_protection`
      const old = `${R}/branch_protection`
      const set = (patterns: string[], headers: Record<string, string> = {}) =>
        send('PUT', at, { json: patterns.map((pattern) => ({ pattern })), headers })
      const patterns = async (path = at) =>
        (await ok(200, 'GET', path)).json.map((rule: { pattern: string }) => rule.pattern)

      it('keeps writes, deletes, commits and resets away, and nothing else', async () => {
        const branch = await branchFrom('main')
        const free = await branchFrom('main')
        await put(branch, 'staged')
        expect((await set([`${branch.slice(0, -2)}??`, 'x[0-9]'])).status).toBe(204)
        const B = `${R}/branches/${branch}`
        const write = /^cannot write to protected branch$/
        refusal(await send('POST', `${B}/objects?path=a`, { body: 'x' }), 403, write)
        refusal(await send('POST', `${B}/objects?path=a&force=true`, { body: 'x' }), 403, write)
        const entry = { physical_address: `local://${name}/data/x`, checksum: 'x', size_bytes: 1 }
        refusal(await send('PUT', `${B}/objects?path=a`, { json: entry }), 403, write)
        refusal(await send('DELETE', `${B}/objects?path=staged`), 403, write)
        const many = await ok(200, 'POST', `${B}/objects/delete?force=true`, { json: { paths: ['staged', 'a'] } })
        const refusedPath = (path: string) => ({ path, status_code: 403, message: expect.stringMatching(write) })
        expect(many.json.errors).toEqual(['staged', 'a'].map(refusedPath))
        const source = { src_path: 'staged', force: true }
        refusal(await send('POST', `${B}/objects/copy?dest_path=a`, { json: source }), 403, write)
        refusal(
          await send('PUT', `${B}/objects/stat/user_metadata?path=staged`, { json: { set: { a: 'b' } } }),
          403,
          write,
        )
        const { physical_address } = (await ok(200, 'GET', `${B}/staging/backing?path=a`)).json
        const link = { staging: { physical_address }, checksum: 'x', size_bytes: 1, force: true }
        refusal(await send('PUT', `${B}/staging/backing?path=a`, { json: link }), 403, write)
        for (const scope of [
          { type: 'reset' },
          { type: 'object', path: 'staged' },
          { type: 'common_prefix', path: 's' },
        ])
          refusal(await send('PUT', B, { json: { ...scope, force: true } }), 403, write)
        const commitText = /^cannot commit to protected branch$/
        refusal(await send('POST', `${B}/commits`, { json: { message: 'x', force: true } }), 403, commitText)
        expect(await paths(branch)).toEqual(['staged'])
        await put(free, 'a')
        await commit(free)
        await ok(201, 'POST', `${R}/tags`, { json: { id: uniqueName('tag'), ref: branch } })
        await ok(201, 'POST', `${R}/branches`, { json: { name: 'x1', source: branch } })
        await ok(204, 'DELETE', `${R}/branches/x1`)
        expect((await set([])).status).toBe(204)
        await put(branch, 'a')
        await commit(branch)
      })

      it('refuses an upload before its body', async () => {
        const branch = await branchFrom('main')
        expect((await set([branch])).status).toBe(204)
        const body = new ReadableStream<Uint8Array>({ pull: (stream) => stream.enqueue(new Uint8Array(65536)) })
        const refused = await Promise.race([
          send('POST', `${R}/branches/${branch}/objects?path=a`, { body }).catch(() => null),
          new Promise<'waits'>((resolve) => setTimeout(() => resolve('waits'), 5000)),
        ])
        expect(refused).not.toBe('waits')
        if (refused !== null && refused !== 'waits') expect(refused.status).toBe(403)
        expect((await set([])).status).toBe(204)
      })

      it('is read with a bare tag and replaced as If-Match says', async () => {
        expect((await set([])).status).toBe(204)
        const none = await ok(200, 'GET', at)
        expect([none.json, none.headers.get('etag')]).toEqual([[], null])
        expect((await set(['p-1', 'p-*', 'p-1'], { 'if-match': '' })).status).toBe(204)
        expect((await patterns()).sort()).toEqual(['p-*', 'p-1'])
        const eTag = (await ok(200, 'GET', at)).headers.get('etag') ?? ''
        expect(eTag).toMatch(/^[0-9a-f]{64}$/)
        refusal(await set(['q'], { 'if-match': '' }), 412, /Precondition failed/)
        refusal(await set(['q'], { 'if-match': 'f'.repeat(64) }), 412, /Precondition failed/)
        expect((await set(['q', 'r'], { 'if-match': `"${eTag}"` })).status).toBe(204)
        refusal(await set(['r'], { 'if-match': `"${eTag}"` }), 412, /Precondition failed/)
        const both = (await ok(200, 'GET', at)).headers.get('etag') ?? ''
        expect((await set(['q'], { 'if-match': both })).status).toBe(204)
        refusal(await set(['r'], { 'if-match': eTag }), 412, /Precondition failed/)
        const now = (await ok(200, 'GET', at)).headers.get('etag') ?? ''
        const racing = await Promise.all(['a', 'b', 'c', 'd'].map((pattern) => set([pattern], { 'if-match': now })))
        expect(racing.map(({ status }) => status).sort()).toEqual([204, 412, 412, 412])
        expect((await set(['r'])).status).toBe(204)
        expect(await patterns()).toEqual(['r'])
      })

      it('answers older clients, rule by rule', async () => {
        expect((await set([])).status).toBe(204)
        await Promise.all(['one', 'two', 'three', 'one'].map((pattern) => ok(204, 'POST', old, { json: { pattern } })))
        expect((await patterns(old)).sort()).toEqual(['one', 'three', 'two'])
        await ok(204, 'DELETE', old, { json: { pattern: 'two' } })
        const again = await send('DELETE', old, { json: { pattern: 'two' } })
        refusal(again, 404, /no rule has the pattern "two"/)
        expect((await patterns()).sort()).toEqual(['one', 'three'])
        await ok(204, 'GET', `${old}/set_allowed`)
        expect((await send('GET', `${old}/set_allowed`, { signed: false })).status).toBe(401)
      })

      it('refuses what is no pattern, and repositories that are not there', async () => {
        for (const pattern of ['', '[a', '{a', '\0']) refusal(await set([pattern]), 400, /pattern/)
        refusal(await send('PUT', at, { json: { pattern: 'a' } }), 400, /request body/)
        refusal(await set(Array.from({ length: 201 }, (_, n) => `p${n}`)), 400, /argument rules: more than 200/)
        const long = (n: number) => String(n).padEnd(256, 'x')
        refusal(await set([`${long(1)}x`]), 400, /argument pattern: "1x+"… is longer than 256 characters/)
        await ok(204, 'PUT', at, { json: Array.from({ length: 64 }, (_, n) => ({ pattern: long(n) })) })
        refusal(await send('POST', old, { json: { pattern: 'x' } }), 400, /argument rules: all patterns together/)
        expect(await patterns()).toHaveLength(64)
        const gone = '/repositories/never-there'
        refusal(await send('GET', `${gone}/settings/branch_protection`), 404, /repository not found/)
        refusal(await send('PUT', `${gone}/settings/branch_protection`, { json: [] }), 404, /repository not found/)
        refusal(await send('GET', `${gone}/branch_protection/set_allowed`), 404, /repository not found/)
      })
    })

    describe('the uncommitted diff', () => {
      it('tells what a commit would change, by pages, prefixes and groups', async () => {
        const branch = await branchFrom('main')
        for (const path of ['a', 'same', 'dir/1', 'dir/2', 'gone/1']) await put(branch, path, 'committed')
        await commit(branch)
        const diff = async (query = '') => {
          const answer = await ok(200, 'GET', `${R}/branches/${branch}/diff?${query}`)
          expectShape(answer, 'DiffList')
          return answer.json
        }
        expect((await diff()).results).toEqual([])
        await put(branch, 'a', 'changed')
        await put(branch, 'same', 'committed')
        await put(branch, 'dir/1', 'changed more')
        await put(branch, 'dir/sub/3', 'new')
        await put(branch, 'never')
        await remove(branch, 'never')
        await remove(branch, 'gone/1')
        const object = (type: string, path: string, size_bytes: number) => ({
          type,
          path,
          size_bytes,
          path_type: 'object',
        })
        const group = (path: string) => ({ type: 'prefix_changed', path, path_type: 'common_prefix' })
        const all = [
          object('changed', 'a', 7),
          object('changed', 'dir/1', 12),
          object('added', 'dir/sub/3', 3),
          object('removed', 'gone/1', 0),
        ]
        expect((await diff()).results).toEqual(all)
        expect((await diff('prefix=dir/')).results).toEqual(all.slice(1, 3))
        expect((await diff('delimiter=/')).results).toEqual([all[0], group('dir/'), group('gone/')])
        expect((await diff('prefix=dir/&delimiter=/')).results).toEqual([all[1], group('dir/sub/')])
        expect((await diff('delimiter=/&after=dir/')).results).toEqual([group('gone/')])
        const paged: unknown[] = []
        for (let after = '', more = true; more; ) {
          const { results, pagination } = await diff(`amount=1&after=${q(after)}`)
          expect(results).toHaveLength(1)
          paged.push(...results)
          after = pagination.next_offset
          more = pagination.has_more
        }
        expect(paged).toEqual(all)
        await commit(branch)
        expect(await diff()).toMatchObject({ results: [], pagination: { has_more: false, next_offset: '' } })
      })

      it('of what is no branch is not found', async () => {
        refusal(await send('GET', `${R}/branches/never/diff`), 404, /branch not found/)
        refusal(await send('GET', '/repositories/never-there/branches/main/diff'), 404, /repository not found/)
        expect((await ok(200, 'GET', `/repositories/${readOnly}/branches/main/diff`)).json.results).toEqual([])
      })
    })

    describe('branches', () => {
      const pages = async (query: string, amount: number) => {
        const ids: string[] = []
        for (let after = '', more = true; more; ) {
          const { results, pagination } = (
            await ok(200, 'GET', `${R}/branches?${query}&amount=${amount}&after=${q(after)}`)
          ).json
          expect(results.length).toBeLessThanOrEqual(amount)
          expect(pagination).toMatchObject({ results: results.length, max_per_page: 1000 })
          expect(pagination.next_offset).toBe(pagination.has_more ? results.at(-1).id : '')
          ids.push(...results.map(({ id }: { id: string }) => id))
          after = pagination.next_offset
          more = pagination.has_more
        }
        return ids
      }

      it('are listed by prefix and pages of any size, hidden ones only when asked for', async () => {
        const names = ['page-1', 'page-10', 'page-2', 'page_3', 'pageA']
        for (const id of names) await ok(201, 'POST', `${R}/branches`, { json: { name: id, source: 'main' } })
        const hidden = { name: 'page-hidden', source: 'main', hidden: true }
        await ok(201, 'POST', `${R}/branches`, { json: hidden })
        const all = [...names, 'page-hidden'].sort()
        for (const amount of [1, 2, 3, 1000]) {
          expect(await pages('prefix=page', amount)).toEqual(['page-1', 'page-10', 'page-2', 'pageA', 'page_3'])
          expect(await pages('prefix=page&show_hidden=true', amount)).toEqual(all)
          expect(await pages('prefix=page-1', amount)).toEqual(['page-1', 'page-10'])
          expect(await pages('prefix=pageZ', amount)).toEqual([])
          expect(await pages('', amount)).toContain('main')
        }
        const listed = await ok(200, 'GET', `${R}/branches?prefix=page&after=page-15`)
        expectShape(listed, 'RefList')
        expect(listed.json.results.map(({ id }: { id: string }) => id)).toEqual(['page-2', 'pageA', 'page_3'])
        await ok(200, 'GET', `${R}/branches/page-hidden`)
        await put('page-hidden', 'a')
        await commit('page-hidden')
        await ok(204, 'DELETE', `${R}/branches/page-hidden`)
        for (const amount of ['1001', 'x', ''])
          refusal(await send('GET', `${R}/branches?amount=${amount}`), 400, /amount/)
      })

      it('are never the default branch that is deleted, nor written where there is none', async () => {
        refusal(await send('DELETE', `${R}/branches/main`), 403, /^cannot delete repository default branch$/)
        refusal(await send('DELETE', `${R}/branches/main?force=true`), 403, /default branch/)
        refusal(await send('DELETE', `${R}/branches/never`), 404, /branch not found/)
        refusal(await send('GET', `${R}/branches/never`), 404, /branch not found/)
        refusal(await send('GET', `${R}/branches/a.b`), 400, /letters, digits, underscores and dashes/)
      })
    })

    describe('ref expressions', () => {
      it('combine ~, ^, @ and $, and refuse what names nothing', async () => {
        const branch = await branchFrom('main')
        const heads = [(await ok(200, 'GET', `${R}/branches/${branch}`)).json.commit_id]
        for (let round = 0; round < 3; round++) {
          await put(branch, `r/${round}`)
          heads.unshift((await commit(branch)).json.id)
        }
        const [head, parent, grandparent, root] = heads
        await ok(201, 'POST', `${R}/tags`, { json: { id: `${branch}.tag`, ref: branch } })
        const commitOf = async (ref: string) => (await ok(200, 'GET', `${R}/commits/${q(ref)}`)).json.id
        const named: [string, string | undefined][] = [
          [branch, head],
          [`${branch}@`, head],
          [`${branch}~`, parent],
          [`${branch}~0`, head],
          [`${branch}~1`, parent],
          [`${branch}~2`, grandparent],
          [`${branch}~~`, grandparent],
          [`${branch}^`, parent],
          [`${branch}^0`, head],
          [`${branch}^1`, parent],
          [`${branch}^^`, grandparent],
          [`${branch}~1^`, grandparent],
          [`${branch}^1~2`, root],
          [`${branch}.tag`, head],
          [`${branch}.tag~3`, root],
          [`${head}~1`, parent],
          [`${head?.slice(0, 12)}~2^1`, root],
        ]
        for (const [ref, id] of named) expect([ref, await commitOf(ref)]).toEqual([ref, id])
        await put(branch, 'r/staged')
        expect(await paths(`${branch}$`)).toContain('r/staged')
        expect(await paths(branch)).toContain('r/staged')
        expect(await paths(`${branch}@`)).not.toContain('r/staged')
        const stat = (ref: string) => send('GET', `${R}/refs/${q(ref)}/objects/stat?path=r/2`)
        for (const ref of [`${branch}~99`, 'nothing', 'nothing~1', `${branch}.tagged`, '0'.repeat(64)])
          refusal(await stat(ref), 404, /not found/)
        for (const suffix of ['^2', '^9', '^-1', '~-1', '~x', '@~1', '~1@', '$@', '$~1', '@@', '@x'])
          expect([suffix, (await stat(`${branch}${suffix}`)).status]).toEqual([suffix, 400])
        for (const ref of [`${head}@`, `${branch}.tag@`, `${branch}.tag$`, `${head}$`])
          expect([ref, (await stat(ref)).status]).toEqual([ref, 400])
        refusal(await send('GET', `${R}/commits/${q(`${branch}$`)}`), 400, /not a commit/)
        refusal(
          await send('POST', `${R}/branches`, { json: { name: 'x2', source: `${branch}$` } }),
          400,
          /not a commit/,
        )
      })

      it('of a prefix that two commits share name neither', async () => {
        const branch = await branchFrom('main')
        const ids: string[] = []
        // Of 17 ids two share their first character.
        for (let made = 0; made < 17; made++) {
          const json = { message: `${made}`, allow_empty: true }
          ids.push((await ok(201, 'POST', `${R}/branches/${branch}/commits`, { json })).json.id)
        }
        const first = ids.map((id) => id.slice(0, 1)).find((digit, at, all) => all.indexOf(digit) !== at)
        refusal(await send('GET', `${R}/commits/${first}`), 404, /not found/)
        refusal(await send('GET', `${R}/refs/${first}/objects/ls`), 404, /not found/)
        for (const id of ids.slice(0, 3))
          expect((await ok(200, 'GET', `${R}/commits/${id.slice(0, 16)}`)).json.id).toBe(id)
      })
    })
  })
}
