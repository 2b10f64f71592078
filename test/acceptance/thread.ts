/**
 * The thread through the house, over HTTP only: what a client relies on from a repository's creation to its deletion. Runs unchanged
 * against every runtime, database and storage.
 */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape, refusal } from '../support/contract.ts'
import { type Answer, type Call, call, type Target, uniqueName } from '../support/http.ts'

export interface ThreadStorage {
  /** Null: the server has no storage ids, or its default storage is meant. */
  readonly id: string | null
  /** A namespace under which nothing lies, without a trailing slash. */
  readonly namespace: string
}

const md5 = (data: Uint8Array | string) => createHash('md5').update(data).digest('hex')
const q = encodeURIComponent

export function describeThread(title: string, server: () => Target, storage: () => ThreadStorage): void {
  describe(title, () => {
    const name = uniqueName('thread')
    const R = `/repositories/${name}`
    const send = (method: string, path: string, options?: Call) => call(server(), method, path, options)
    const put = (branch: string, path: string, data: Uint8Array | string, headers: Record<string, string> = {}) =>
      send('POST', `${R}/branches/${branch}/objects?path=${q(path)}`, {
        body: data,
        headers: { 'content-type': 'application/octet-stream', ...headers },
      })
    const list = (ref: string, query = '') => send('GET', `${R}/refs/${q(ref)}/objects/ls?amount=1000&${query}`)
    const paths = (answer: Answer) => answer.json.results.map((entry: { path: string }) => entry.path)
    const create = (body: Record<string, unknown>, query = '') => {
      const { id, namespace } = storage()
      const defaults = { storage_namespace: `${namespace}/${body.name}`, ...(id === null ? {} : { storage_id: id }) }
      return send('POST', `/repositories${query}`, { json: { ...defaults, ...body } })
    }

    beforeAll(async () => {
      const created = await create({ name, default_branch: 'main' })
      expect(created.status, created.bytes.toString()).toBe(201)
      expectShape(created, 'Repository')
      const { id, namespace } = storage()
      expect(created.json).toMatchObject({
        id: name,
        default_branch: 'main',
        storage_namespace: `${namespace}/${name}`,
        read_only: false,
      })
      if (id !== null) expect(created.json.storage_id).toBe(id)
    })

    describe('repositories', () => {
      it('are found and listed in byte order with prefix and paging', async () => {
        const got = await send('GET', R)
        expect(got.status).toBe(200)
        expectShape(got, 'Repository')
        const other = uniqueName('thread')
        expect((await create({ name: other })).json.default_branch).toBe('main')
        const all = await send('GET', '/repositories?prefix=thread-&amount=1000')
        expectShape(all, 'RepositoryList')
        const ids = all.json.results.map((repository: { id: string }) => repository.id)
        expect(ids).toEqual([...ids].sort())
        expect(ids).toEqual(expect.arrayContaining([name, other]))
        const first = await send('GET', '/repositories?prefix=thread-&amount=1')
        expect(first.json.pagination).toEqual({ has_more: true, max_per_page: 1000, next_offset: ids[0], results: 1 })
        expect((await send('GET', `/repositories?prefix=thread-&after=${ids[0]}&amount=1`)).json.results[0].id).toBe(
          ids[1],
        )
        expect((await send('DELETE', `/repositories/${other}`)).status).toBe(204)
        refusal(await send('GET', `/repositories/${other}`), 404, /repository not found/)
      })

      it('refuse a name in use, an unknown storage, a namespace in use or overlapping, and a wrong scheme', async () => {
        const { namespace } = storage()
        refusal(await create({ name }), 409, /error creating repository: not unique/)
        refusal(await create({ name: uniqueName('x'), storage_id: 'nowhere' }), 400, /storage id/)
        const taken = `${namespace}/${name}`
        refusal(
          await create({ name: uniqueName('x'), storage_namespace: taken }),
          400,
          /storage namespace already in use/,
        )
        refusal(
          await create({ name: uniqueName('x'), storage_namespace: `${taken}/` }),
          400,
          /storage namespace already in use/,
        )
        refusal(await create({ name: uniqueName('x'), storage_namespace: `${taken}/below` }), 400, /in use/)
        refusal(await create({ name: uniqueName('x'), storage_namespace: namespace }), 400, /in use|namespace/)
        refusal(await create({ name: uniqueName('x'), storage_namespace: 'gs://bucket/x' }), 400, /invalid namespace/)
        refusal(await create({ name: 'Bad_Name' }), 400, /name/)
        refusal(await create({ name: 'ab' }), 400, /name/)
        refusal(await send('POST', '/repositories', { json: { name: uniqueName('x') } }), 400, /storage_namespace/)
        refusal(
          await send('POST', '/repositories', { body: '{', headers: { 'content-type': 'application/json' } }),
          400,
          /request body/,
        )
      })

      it('refuse a name in use before anything else, also among creations at the same time', async () => {
        refusal(await create({ name, storage_id: 'nowhere' }), 409, /not unique/)
        const contested = uniqueName('race')
        const answers = await Promise.all(Array.from({ length: 6 }, () => create({ name: contested })))
        expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
        expect((await send('GET', `/repositories/${contested}/branches/main`)).status).toBe(200)
        expect((await send('DELETE', `/repositories/${contested}`)).status).toBe(204)
      })

      it('leave the name and the place free when a creation is refused', async () => {
        const refused = uniqueName('again')
        expect((await create({ name: refused, default_branch: 'x'.repeat(3000) })).status).toBe(400)
        expect((await create({ name: refused })).status).toBe(201)
      })

      it('can be bare: no branch, no commit', async () => {
        const bare = uniqueName('bare')
        const created = await create({ name: bare, default_branch: 'trunk' }, '?bare=true')
        expect(created.status).toBe(201)
        expect(created.json.default_branch).toBe('trunk')
        expect((await send('GET', `/repositories/${bare}/branches`)).json.results).toEqual([])
        expect((await send('GET', `/repositories/${bare}/branches/trunk`)).status).toBe(404)
        expect((await send('DELETE', `/repositories/${bare}`)).status).toBe(204)
        expect((await send('DELETE', `/repositories/${bare}`)).status).toBe(404)
      })
    })

    describe('branches', () => {
      it('are created from any ref, listed, found and deleted', async () => {
        const main = await send('GET', `${R}/branches/main`)
        expectShape(main, 'Ref')
        const head = main.json.commit_id
        const made = await send('POST', `${R}/branches`, { json: { name: 'work', source: 'main' } })
        expect(made.status).toBe(201)
        expect(made.bytes.toString()).toBe(head)
        expect(made.headers.get('content-type')).toMatch(/^text\/plain/)
        refusal(
          await send('POST', `${R}/branches`, { json: { name: 'work', source: 'main' } }),
          409,
          /branch already exists: not unique/,
        )
        refusal(
          await send('POST', `${R}/branches`, { json: { name: 'x', source: 'nothing' } }),
          404,
          /source reference 'nothing': not found/,
        )
        refusal(
          await send('POST', `${R}/branches`, { json: { name: 'a/b', source: 'main' } }),
          400,
          /branch id must consist of/,
        )
        for (const source of [head, head.slice(0, 12), 'main~0', 'main@']) {
          expect((await send('POST', `${R}/branches`, { json: { name: 'again', source } })).status, source).toBe(201)
          expect((await send('DELETE', `${R}/branches/again`)).status).toBe(204)
        }
        const listed = await send('GET', `${R}/branches`)
        expectShape(listed, 'RefList')
        expect(listed.json.results.map((branch: { id: string }) => branch.id)).toEqual(['main', 'work'])
        expect((await send('GET', `${R}/branches?after=main`)).json.results).toHaveLength(1)
        refusal(await send('DELETE', `${R}/branches/main`), 403, /cannot delete repository default branch/)
        refusal(await send('DELETE', `${R}/branches/never`), 404, /branch not found/)
        refusal(await send('GET', `${R}/branches/never`), 404, /branch not found/)
      })
    })

    describe('objects', () => {
      const body = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251))

      it('go up raw and come back whole, in ranges, as headers and as stat', async () => {
        const up = await put('work', 'a/b c+d%é.bin', body, {
          'content-type': 'application/x-thing',
          'x-lakefs-meta-Origin': 'test',
        })
        expect(up.status, up.bytes.toString()).toBe(201)
        expectShape(up, 'ObjectStats')
        expect(up.json).toMatchObject({
          path: 'a/b c+d%é.bin',
          path_type: 'object',
          checksum: md5(body),
          size_bytes: body.length,
          content_type: 'application/x-thing',
          metadata: { origin: 'test' },
        })
        const at = `${R}/refs/work/objects?path=${q('a/b c+d%é.bin')}`
        const got = await send('GET', at)
        expect(got.status).toBe(200)
        expect(got.bytes.equals(body)).toBe(true)
        expect(got.headers.get('etag')).toBe(`"${md5(body)}"`)
        expect(got.headers.get('content-type')).toBe('application/x-thing')
        expect(got.headers.get('content-length')).toBe('5000')
        expect(got.headers.get('content-disposition')).toBe('attachment')
        expect(got.headers.get('x-content-type-options')).toBe('nosniff')
        const ranges: [string, number, number][] = [
          ['bytes=0-0', 0, 1],
          ['bytes=10-19', 10, 20],
          ['bytes=4990-9999', 4990, 5000],
          ['bytes=-7', 4993, 5000],
          ['bytes=100-', 100, 5000],
        ]
        for (const [range, start, end] of ranges) {
          const part = await send('GET', at, { headers: { range } })
          expect(part.status, range).toBe(206)
          expect(part.headers.get('content-range'), range).toBe(`bytes ${start}-${end - 1}/5000`)
          expect(part.bytes.equals(body.subarray(start, end)), range).toBe(true)
        }
        const past = await send('GET', at, { headers: { range: 'bytes=5000-' } })
        expect([past.status, past.headers.get('content-range')]).toEqual([416, 'bytes */5000'])
        expect((await send('GET', at, { headers: { range: 'lines=1-2' } })).status).toBe(400)
        expect((await send('GET', at, { headers: { 'if-none-match': `"${md5(body)}"` } })).status).toBe(304)
        const head = await send('HEAD', at)
        expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
          200,
          '5000',
          'bytes',
        ])
        const stat = await send('GET', `${R}/refs/work/objects/stat?path=${q('a/b c+d%é.bin')}`)
        expectShape(stat, 'ObjectStats')
        expect(stat.json).toEqual(up.json)
        expect(
          (await send('GET', `${R}/refs/work/objects/stat?user_metadata=false&path=${q('a/b c+d%é.bin')}`)).json
            .metadata,
        ).toEqual({})
        refusal(await send('GET', `${R}/refs/main/objects?path=a`), 404, /not found/)
        expect((await send('HEAD', `${R}/refs/main/objects?path=a`)).status).toBe(404)
        expect((await send('GET', `${R}/refs/work/objects/stat?path=`)).status).toBe(400)
      })

      it('go up as multipart forms', async () => {
        const form = new FormData()
        form.set('ignored', 'x')
        // No text: Bun's own client would add a charset.
        form.set('content', new Blob(['multi\r\npart'], { type: 'font/woff2' }), 'file name.css')
        const answer = await fetch(`${server().baseUrl}/api/v1${R}/branches/work/objects?path=multi.css`, {
          method: 'POST',
          body: form,
          headers: {
            authorization: `Basic ${Buffer.from(`${server().accessKeyId}:${server().secretAccessKey}`).toString('base64')}`,
          },
        })
        expect(answer.status).toBe(201)
        const stats = (await answer.json()) as Record<string, unknown>
        expect(stats).toMatchObject({ checksum: md5('multi\r\npart'), size_bytes: 11, content_type: 'font/woff2' })
        expect((await send('GET', `${R}/refs/work/objects?path=multi.css`)).bytes.toString()).toBe('multi\r\npart')
        refusal(
          await send('POST', `${R}/branches/work/objects?path=x`, {
            body: 'x',
            headers: { 'content-type': 'multipart/form-data' },
          }),
          400,
          /boundary/,
        )
        refusal(
          await send('POST', `${R}/branches/work/objects?path=x`, {
            body: '--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
            headers: { 'content-type': 'multipart/form-data; boundary=b' },
          }),
          400,
          /content/,
        )
      })

      it('stream when they are large, with and without a length', async () => {
        const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'large object ')
        expect((await put('work', 'large', large)).json).toMatchObject({
          checksum: md5(large),
          size_bytes: large.length,
        })
        expect((await send('GET', `${R}/refs/work/objects?path=large`)).bytes.equals(large)).toBe(true)
        const part = await send('GET', `${R}/refs/work/objects?path=large`, {
          headers: { range: 'bytes=1048570-3145750' },
        })
        expect(part.bytes.equals(large.subarray(1048570, 3145745 + 6))).toBe(true)
        const chunked = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let at = 0; at < large.length; at += 100_000) controller.enqueue(large.subarray(at, at + 100_000))
            controller.close()
          },
        })
        const up = await send('POST', `${R}/branches/work/objects?path=chunked`, { body: chunked })
        expect(up.json).toMatchObject({
          checksum: md5(large),
          size_bytes: large.length,
          content_type: 'application/octet-stream',
        })
        expect((await put('work', 'empty', '')).json).toMatchObject({ checksum: md5(''), size_bytes: 0 })
        expect((await send('GET', `${R}/refs/work/objects?path=empty`)).bytes).toHaveLength(0)
        expect(
          (await send('GET', `${R}/refs/work/objects?path=empty`, { headers: { range: 'bytes=0-1' } })).status,
        ).toBe(416)
      })

      it('answer conditions and bad input clearly', async () => {
        const once = { 'if-none-match': '*' }
        expect((await put('work', 'once', 'first', once)).status).toBe(201)
        refusal(await put('work', 'once', 'second', once), 412, /path already exists/)
        expect((await send('GET', `${R}/refs/work/objects?path=once`)).bytes.toString()).toBe('first')
        expect((await put('work', 'once', 'x', { 'if-match': '"abc"' })).status).toBe(501)
        refusal(await put('never', 'x', 'x'), 404, /branch 'never' not found|branch not found/)
        expect((await put('work', 'x'.repeat(1025), 'x')).status).toBe(400)
        expect((await put('work', 'x'.repeat(1024), 'x')).status).toBe(201)
        expect((await send('POST', `${R}/branches/work/objects`, { body: 'x' })).status).toBe(400)
        expect((await send('POST', `${R}/branches/work/objects?path=%zz`, { body: 'x' })).status).toBe(400)
        expect((await send('DELETE', `${R}/branches/work/objects?path=${'x'.repeat(1024)}`)).status).toBe(204)
      })

      it('keep keys that are no text', async () => {
        for (const key of ['raw/%ff%fe', 'raw/%00nul', 'raw/%ed%a0%80', 'raw/%2e%2e', 'raw//x', 'raw/a%2Fb']) {
          const up = await send('POST', `${R}/branches/work/objects?path=${key}`, { body: key })
          expect(up.status, key).toBe(201)
          expect((await send('GET', `${R}/refs/work/objects?path=${key}`)).bytes.toString(), key).toBe(key)
        }
        const listed = await list('work', 'prefix=raw/')
        expectShape(listed, 'ObjectStatsList')
        expect(listed.json.results).toHaveLength(6)
        for (const entry of listed.json.results) {
          if (entry.path.includes('\ufffd')) continue
          expect((await send('DELETE', `${R}/branches/work/objects?path=${q(entry.path)}`)).status).toBe(204)
        }
        for (const key of ['raw/%ff%fe', 'raw/%ed%a0%80'])
          await send('DELETE', `${R}/branches/work/objects?path=${key}`)
        expect((await list('work', 'prefix=raw/')).json.results).toEqual([])
      })

      it('can be staged by metadata alone', async () => {
        const { physical_address } = (await send('GET', `${R}/refs/work/objects/stat?path=large`)).json
        const stage = await send('PUT', `${R}/branches/work/objects?path=staged/one`, {
          json: {
            physical_address,
            checksum: 'abc',
            size_bytes: 77,
            content_type: 'text/x',
            metadata: { k: 'v' },
            mtime: 1_600_000_000,
          },
        })
        expect(stage.status, stage.bytes.toString()).toBe(201)
        const stat = await send('GET', `${R}/refs/work/objects/stat?path=staged/one`)
        expect(stat.json).toMatchObject({
          checksum: 'abc',
          size_bytes: 77,
          content_type: 'text/x',
          metadata: { k: 'v' },
          mtime: 1_600_000_000,
          physical_address,
        })
        refusal(
          await send('PUT', `${R}/branches/work/objects?path=staged/two`, {
            json: { physical_address: 'gs://x/y', checksum: 'a', size_bytes: 1 },
          }),
          400,
          /physical address is not valid for block adapter/,
        )
        const own = physical_address.slice(0, physical_address.indexOf('/data/'))
        for (const climb of ['/data/../../x', '/data/..', '/data//x', '/_lakefs/dummy', '/', '/data/']) {
          const body = { physical_address: own + climb, checksum: 'a', size_bytes: 1 }
          refusal(
            await send('PUT', `${R}/branches/work/objects?path=staged/two`, { json: body }),
            400,
            /physical address is not valid/,
          )
        }
      })

      it('are deleted, also when they are not there', async () => {
        expect((await put('work', 'gone', 'x')).status).toBe(201)
        expect((await send('DELETE', `${R}/branches/work/objects?path=gone`)).status).toBe(204)
        expect((await send('GET', `${R}/refs/work/objects?path=gone`)).status).toBe(404)
        expect((await send('DELETE', `${R}/branches/work/objects?path=gone`)).status).toBe(204)
        expect((await send('DELETE', `${R}/branches/never/objects?path=gone`)).status).toBe(404)
      })
    })

    describe('listing', () => {
      const keys = ['l/a', 'l/b/1', 'l/b/2', 'l/b0', 'l/c/1', 'l/c/d/2', 'l/z']

      it('pages bytewise, groups by delimiter and seeks', async () => {
        for (const key of keys) expect((await put('work', key, key)).status).toBe(201)
        for (const stage of ['uncommitted', 'committed']) {
          expect(paths(await list('work', 'prefix=l/')), stage).toEqual(keys)
          const grouped = await list('work', 'prefix=l/&delimiter=/')
          expectShape(grouped, 'ObjectStatsList')
          expect(
            grouped.json.results.map((e: { path: string; path_type: string }) => [e.path, e.path_type]),
            stage,
          ).toEqual([
            ['l/a', 'object'],
            ['l/b/', 'common_prefix'],
            ['l/b0', 'object'],
            ['l/c/', 'common_prefix'],
            ['l/z', 'object'],
          ])
          for (const delimiter of ['', '/']) {
            for (const amount of [1, 2, 3]) {
              const whole = paths(await list('work', `prefix=l/&delimiter=${delimiter}`))
              const seen: string[] = []
              let after = ''
              for (;;) {
                const page = await send(
                  'GET',
                  `${R}/refs/work/objects/ls?prefix=l/&delimiter=${delimiter}&amount=${amount}&after=${q(after)}`,
                )
                seen.push(...paths(page))
                if (!page.json.pagination.has_more) break
                after = page.json.pagination.next_offset
              }
              expect(seen, `${stage} ${delimiter} ${amount}`).toEqual(whole)
            }
          }
          expect(paths(await list('work', 'prefix=l/&after=l/b/1'))).toEqual(keys.slice(2))
          expect(paths(await list('work', 'prefix=l/&after=l/b5'))).toEqual(keys.slice(4))
          if (stage === 'uncommitted') {
            expect((await send('POST', `${R}/branches/work/commits`, { json: { message: 'listing' } })).status).toBe(
              201,
            )
            expect((await put('work', 'l/b/1', 'l/b/1')).status).toBe(201)
          }
        }
        expect((await send('GET', `${R}/refs/work/objects/ls?amount=1001`)).status).toBe(400)
        expect((await send('GET', `${R}/refs/never/objects/ls`)).status).toBe(404)
        const bare = await list('work', 'prefix=a/&user_metadata=false')
        expect(bare.json.results[0].metadata).toBeUndefined()
      })
    })

    describe('commits', () => {
      it('freeze a branch, are found and logged', async () => {
        expect((await put('work', 'c/new', 'one')).status).toBe(201)
        expect((await send('DELETE', `${R}/branches/work/objects?path=l/z`)).status).toBe(204)
        const commit = await send('POST', `${R}/branches/work/commits`, {
          json: { message: 'two', metadata: { a: 'b' }, date: 1_600_000_000 },
        })
        expect(commit.status, commit.bytes.toString()).toBe(201)
        expectShape(commit, 'Commit')
        expect(commit.json).toMatchObject({
          message: 'two',
          metadata: { a: 'b' },
          creation_date: 1_600_000_000,
          version: 1,
        })
        expect(commit.json.parents).toHaveLength(1)
        const id = commit.json.id
        expect((await send('GET', `${R}/branches/work`)).json.commit_id).toBe(id)
        const found = await send('GET', `${R}/commits/${id}`)
        expectShape(found, 'Commit')
        expect(found.json).toEqual(commit.json)
        expect((await send('GET', `${R}/commits/work`)).json.id).toBe(id)
        refusal(await send('GET', `${R}/commits/${'0'.repeat(64)}`), 404, /commit not found/)
        refusal(
          await send('POST', `${R}/branches/work/commits`, { json: { message: 'none' } }),
          400,
          /^commit: no changes$/,
        )
        refusal(await send('POST', `${R}/branches/never/commits`, { json: { message: 'none' } }), 404, /not found/)
        refusal(await send('POST', `${R}/branches/work/commits`, { json: { metadata: {} } }), 400, /message/)
        const empty = await send('POST', `${R}/branches/work/commits`, {
          json: { message: 'empty', allow_empty: true },
        })
        expect(empty.status).toBe(201)
        expect(empty.json.meta_range_id).toBe(commit.json.meta_range_id)

        const log = await send('GET', `${R}/refs/work/commits`)
        expectShape(log, 'CommitList')
        expect(log.json.results.map((c: { message: string }) => c.message)).toEqual(
          expect.arrayContaining(['empty', 'two', 'listing', 'Repository created']),
        )
        const first = await send('GET', `${R}/refs/work/commits?amount=1`)
        expect(first.json.pagination.has_more).toBe(true)
        const rest = await send('GET', `${R}/refs/work/commits?after=${first.json.pagination.next_offset}`)
        expect(rest.json.results).toEqual(log.json.results.slice(1))
        expect((await send('GET', `${R}/refs/main/commits`)).json.results).toHaveLength(1)
        // The last as the Python client writes it.
        for (const zone of ['Z', '+00:00', '.000000+0000']) {
          const since = async (year: number) =>
            (await send('GET', `${R}/refs/work/commits?since=${q(`${year}-01-01T00:00:00${zone}`)}`)).json.results
          expect([await since(2001), await since(9001)], zone).toEqual([log.json.results, []])
        }
        const zoneless = await send('GET', `${R}/refs/work/commits?since=2001-01-01T00:00:00`)
        refusal(zoneless, 400, /parameter "since" in query has an error/)

        for (const [ref, there] of [
          [id, true],
          [`${id}~1`, false],
          ['work~1', true],
          ['work~2', false],
          [id.slice(0, 16), true],
          ['work@', true],
        ] as const) {
          const stat = await send('GET', `${R}/refs/${q(ref)}/objects/stat?path=c/new`)
          expect(stat.status, ref).toBe(there ? 200 : 404)
        }
        expect((await put('work', 'c/staged', 'x')).status).toBe(201)
        expect((await send('GET', `${R}/refs/work/objects/stat?path=c/staged`)).status).toBe(200)
        expect((await send('GET', `${R}/refs/work$/objects/stat?path=c/staged`)).status).toBe(200)
        expect((await send('GET', `${R}/refs/work@/objects/stat?path=c/staged`)).status).toBe(404)
        expect((await send('GET', `${R}/refs/work~99/objects/stat?path=c/staged`)).status).toBe(404)
        expect((await send('GET', `${R}/refs/work^9/objects/stat?path=c/staged`)).status).toBe(400)
        expect((await send('GET', `${R}/refs/work^-1/objects/stat?path=c/staged`)).status).toBe(400)
        expect((await send('GET', `${R}/refs/${id}@/objects/stat?path=c/new`)).status).toBe(400)
      })

      it('count an identical upload as no change', async () => {
        expect((await send('POST', `${R}/branches/work/commits`, { json: { message: 'settle' } })).status).toBe(201)
        expect((await put('work', 'c/new', 'one')).status).toBe(201)
        refusal(
          await send('POST', `${R}/branches/work/commits`, { json: { message: 'same' } }),
          400,
          /^commit: no changes$/,
        )
      })
    })

    describe('the server', () => {
      it('tells about itself', async () => {
        expect((await send('GET', '/healthcheck', { signed: false })).status).toBe(204)
        const config = await send('GET', '/config')
        expectShape(config, 'Config')
        expect(config.json.version_config.version).toMatch(/^\d+\.\d+\.\d+$/)
        expect(config.json.storage_config).not.toBeNull()
        const { id } = storage()
        if (id !== null)
          expect(config.json.storage_config_list.map((s: { blockstore_id: string }) => s.blockstore_id)).toContain(id)
        const setup = await send('GET', '/setup_lakefs', { signed: false })
        expectShape(setup, 'SetupState')
        expect(setup.json.state).toBe('initialized')
        const user = await send('GET', '/user')
        expectShape(user, 'CurrentUser')
      })

      it('lets nobody in without credentials, and says what it does not do', async () => {
        refusal(await send('GET', R, { signed: false }), 401, /^error authenticating request$/)
        refusal(
          await send('GET', R, { headers: { authorization: `Basic ${btoa('AKIAJNOBODYNOBODYNOQ:x')}` } }),
          401,
          /^error authenticating request$/,
        )
        refusal(await send('GET', '/no/such/thing'), 404, /^invalid API endpoint$/)
        refusal(await send('PATCH', R), 404, /^invalid API endpoint$/)
        refusal(await send('GET', `${R}/pulls`), 501, /not implemented/i)
        const login = await send('POST', '/auth/login', {
          signed: false,
          json: { access_key_id: server().accessKeyId, secret_access_key: server().secretAccessKey },
        })
        expect(login.status).toBe(200)
        expectShape(login, 'AuthenticationToken')
        expect((await send('GET', R, { headers: { authorization: `Bearer ${login.json.token}` } })).status).toBe(200)
        const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
        expect(cookie).toMatch(/^internal_auth_session=/)
        expect((await send('GET', R, { signed: false, headers: { cookie } })).status).toBe(200)
      })
    })
  })
}
