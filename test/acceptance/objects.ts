/** What clients do with objects beyond writing and reading one, over HTTP only. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape, refusal } from '../support/contract.ts'
import { type Answer, type Call, call, type Target, uniqueName } from '../support/http.ts'

export interface ObjectsStorage {
  readonly id: string
  /** A namespace under which nothing lies, without a trailing slash. */
  readonly namespace: string
  /** The storage itself serves clients by URL. */
  readonly presigns: boolean
}

const q = encodeURIComponent

export function describeObjects(title: string, server: () => Target, storage: ObjectsStorage): void {
  describe(title, () => {
    const name = uniqueName('objects')
    const R = `/repositories/${name}`
    const send = (method: string, path: string, options?: Call) => call(server(), method, path, options)
    const put = async (path: string, data: string, headers: Record<string, string> = {}) => {
      const answer = await send('POST', `${R}/branches/main/objects?path=${q(path)}`, {
        body: data,
        headers: { 'content-type': 'text/x-test', ...headers },
      })
      expect(answer.status, answer.bytes.toString()).toBe(201)
      return answer.json
    }
    const commit = async () => {
      const answer = await send('POST', `${R}/branches/main/commits`, { json: { message: 'x', allow_empty: true } })
      expect(answer.status, answer.bytes.toString()).toBe(201)
      return answer.json
    }
    const stat = (path: string, query = '', ref = 'main') =>
      send('GET', `${R}/refs/${q(ref)}/objects/stat?path=${q(path)}&${query}`)
    const get = (path: string, query = '', headers: Record<string, string> = {}) =>
      send('GET', `${R}/refs/main/objects?path=${q(path)}&${query}`, { headers })
    const list = async (prefix: string) =>
      (await send('GET', `${R}/refs/main/objects/ls?amount=1000&prefix=${q(prefix)}`)).json.results.map(
        (entry: { path: string }) => entry.path,
      )

    beforeAll(async () => {
      const created = await send('POST', '/repositories', {
        json: { name, storage_id: storage.id, storage_namespace: `${storage.namespace}/${name}` },
      })
      expect(created.status, created.bytes.toString()).toBe(201)
    })

    describe('deleting many', () => {
      const remove = (paths: unknown, branch = 'main', query = '') =>
        send('POST', `${R}/branches/${branch}/objects/delete${query}`, { json: { paths } })

      it('hides staged and committed objects, and leaves no trace of what was not there', async () => {
        for (const path of ['d/committed', 'd/both', 'd/kept']) await put(path, path)
        await commit()
        await put('d/both', 'newer')
        await put('d/staged é', 'x')
        const gone = ['d/staged é', 'd/never', 'd/both', 'd/committed', 'd/committed']
        const answer = await remove(gone, 'main', '?no_tombstone=true')
        expect(answer.status, answer.bytes.toString()).toBe(200)
        expectShape(answer, 'ObjectErrorList')
        expect(answer.json).toEqual({ errors: [] })
        expect(await list('d/')).toEqual(['d/kept'])
        expect((await remove(gone)).json).toEqual({ errors: [] })
        await commit()
        expect(await list('d/')).toEqual(['d/kept'])
        expect((await remove(['d/never'])).json).toEqual({ errors: [] })
        refusal(
          await send('POST', `${R}/branches/main/commits`, { json: { message: 'none' } }),
          400,
          /^commit: no changes$/,
        )
      })

      it('takes a thousand, tells of each that it refuses, an empty one too', async () => {
        await put('t/0', 'x')
        await put('t/999', 'x')
        const thousand = Array.from({ length: 1000 }, (_, at) => `t/${at}`)
        refusal(await remove([...thousand, 'more']), 400, /^request size exceeded, max paths is set to 1000$/)
        expect(await list('t/')).toEqual(['t/0', 't/999'])
        expect((await remove(thousand)).json).toEqual({ errors: [] })
        expect(await list('t/')).toEqual([])
        await put('t/0', 'x')
        const long = 'l'.repeat(1025)
        const mixed = await remove(['', long, 't/0'])
        expectShape(mixed, 'ObjectErrorList')
        expect(mixed.json.errors).toEqual([
          { path: '', status_code: 400, message: expect.stringMatching(/path must not be empty/) },
          { path: long, status_code: 400, message: expect.stringMatching(/1024 bytes/) },
        ])
        expect(await list('t/')).toEqual([])
        expect((await remove([])).json).toEqual({ errors: [] })
        // As Spark deletes the root of a branch: nothing is deleted, and that is a success.
        await put('t/0', 'x')
        expect((await remove([''])).json).toEqual({ errors: [] })
        expect(await list('t/')).toEqual(['t/0'])
      })

      it('refuses each path of a read-only repository, unless forced', async () => {
        const frozen = uniqueName('frozen')
        const created = await send('POST', '/repositories', {
          json: {
            name: frozen,
            storage_id: storage.id,
            storage_namespace: `${storage.namespace}/${frozen}`,
            read_only: true,
          },
        })
        expect(created.status, created.bytes.toString()).toBe(201)
        const F = `/repositories/${frozen}/branches/main/objects`
        expect((await send('POST', `${F}?path=a&force=true`, { body: 'x' })).status).toBe(201)
        const refused = await send('POST', `${F}/delete`, { json: { paths: ['a', 'b'] } })
        expect(refused.json.errors).toEqual(
          ['a', 'b'].map((path) => ({ path, status_code: 403, message: 'read-only repository' })),
        )
        const at = `/repositories/${frozen}/refs/main/objects/stat?path=a`
        expect((await send('GET', at)).status).toBe(200)
        expect((await send('POST', `${F}/delete?force=true`, { json: { paths: ['a'] } })).json).toEqual({ errors: [] })
        expect((await send('GET', at)).status).toBe(404)
      })

      it('refuses a branch or repository that is not there, and a body of another form', async () => {
        refusal(await remove(['a'], 'never'), 404, /branch 'never' not found/)
        refusal(
          await send('POST', `/repositories/${uniqueName('no')}/branches/main/objects/delete`, {
            json: { paths: ['a'] },
          }),
          404,
          /repository not found/,
        )
        refusal(await remove('a'), 400, /paths/)
        refusal(await remove([1]), 400, /paths/)
      })
    })

    describe('changing metadata', () => {
      const change = (path: string, set: unknown, branch = 'main') =>
        send('PUT', `${R}/branches/${branch}/objects/stat/user_metadata?path=${q(path)}`, { json: { set } })

      it('replaces all of it and nothing else, of staged and of committed objects', async () => {
        await put('u/one', 'data', { 'x-lakefs-meta-old': '1' })
        const before = (await stat('u/one')).json
        const changed = await change('u/one', { New: 'é', __proto__x: '2' })
        expect(changed.status, changed.bytes.toString()).toBe(204)
        expect((await stat('u/one')).json).toEqual({ ...before, metadata: { New: 'é', __proto__x: '2' } })
        const { id } = await commit()
        expect((await change('u/one', {})).status).toBe(204)
        expect((await stat('u/one')).json).toEqual({ ...before, metadata: {} })
        expect((await stat('u/one', '', id)).json.metadata).toEqual({ New: 'é', __proto__x: '2' })
        expect((await get('u/one')).bytes.toString()).toBe('data')
        await commit()
        expect((await stat('u/one', '', 'main@')).json).toEqual({ ...before, metadata: {} })
      })

      it('refuses what is not there or was deleted, and what is no map of text', async () => {
        refusal(await change('u/never', {}), 404, /not found/)
        refusal(await change('u/one', {}, 'never'), 404, /branch 'never' not found/)
        expect((await send('DELETE', `${R}/branches/main/objects?path=u/one`)).status).toBe(204)
        refusal(await change('u/one', {}), 404, /not found/)
        refusal(await change('u/one', { a: 1 }), 400, /set/)
        refusal(await change('u/one', undefined), 400, /set/)
      })

      it('never undoes an upload at the same time', async () => {
        for (let round = 0; round < 5; round++) {
          await put('u/race', `old ${round}`)
          await Promise.all([change('u/race', { round: String(round) }), put('u/race', `new ${round}`)])
          expect((await get('u/race')).bytes.toString()).toBe(`new ${round}`)
        }
      })
    })

    describe('copying', () => {
      const copy = (destination: string, json: unknown, branch = 'main') =>
        send('POST', `${R}/branches/${branch}/objects/copy?dest_path=${q(destination)}`, { json })

      it('gives the copy bytes of its own, and the same type, metadata and checksum', async () => {
        const source = await put('c/from', 'x'.repeat(2_000_000), { 'x-lakefs-meta-a': 'b' })
        const copied = await copy('c/to é', { src_path: 'c/from' })
        expect(copied.status, copied.bytes.toString()).toBe(201)
        expectShape(copied, 'ObjectStats')
        const { mtime, physical_address, ...rest } = copied.json
        expect(rest).toEqual({
          path: 'c/to é',
          path_type: 'object',
          checksum: source.checksum,
          size_bytes: 2_000_000,
          content_type: 'text/x-test',
          metadata: { a: 'b' },
        })
        expect(mtime).toBeGreaterThanOrEqual(source.mtime)
        expect(physical_address).not.toBe(source.physical_address)
        expect((await stat('c/to é')).json).toEqual(copied.json)
        expect((await get('c/to é')).bytes.equals(Buffer.from('x'.repeat(2_000_000)))).toBe(true)
      })

      it('reads any ref, writes over what is there, also over itself', async () => {
        await put('c/v', 'first')
        const { id } = await commit()
        await put('c/v', 'second')
        expect((await copy('c/v1', { src_path: 'c/v', src_ref: id.slice(0, 20), force: false })).status).toBe(201)
        expect((await copy('c/v2', { src_path: 'c/v', src_ref: 'main@' })).status).toBe(201)
        expect((await copy('c/v', { src_path: 'c/v' })).status).toBe(201)
        const read = async (path: string) => (await get(path)).bytes.toString()
        expect(await Promise.all(['c/v1', 'c/v2', 'c/v'].map(read))).toEqual(['first', 'first', 'second'])
        expect((await copy('c/v', { src_path: 'c/v', src_ref: id })).status).toBe(201)
        expect(await read('c/v')).toBe('first')
      })

      it('refuses a source, ref or branch that is not there, and shallow copies', async () => {
        refusal(await copy('c/x', { src_path: 'c/never' }), 404, /not found/)
        refusal(await copy('c/x', { src_path: 'c/v', src_ref: 'nothing' }), 404, /not found/)
        refusal(await copy('c/x', { src_path: 'c/v', src_ref: 'main' }, 'never'), 404, /^branch 'never' not found$/)
        refusal(await copy('c/x', { src_path: 'c/v', shallow: true }), 501, /shallow/)
        refusal(await copy('c/x', { src_path: '' }), 400, /path/)
        refusal(await copy('c/x', {}), 400, /src_path/)
        refusal(await copy('', { src_path: 'c/v' }), 400, /dest_path/)
        refusal(await copy('x'.repeat(1025), { src_path: 'c/v' }), 400, /argument dest_path: .*1024 bytes/)
        refusal(await copy('c/x', { src_path: 'x'.repeat(1025) }), 400, /argument src_path: .*1024 bytes/)
      })
    })

    describe('linking', () => {
      const backing = (path: string, query = '', branch = 'main') =>
        send('GET', `${R}/branches/${branch}/staging/backing?path=${q(path)}${query}`)
      const link = (path: string, json: unknown, headers: Record<string, string> = {}, branch = 'main') =>
        send('PUT', `${R}/branches/${branch}/staging/backing?path=${q(path)}`, { json, headers })
      const said = (physical_address: string, more: object = {}) => ({
        staging: { physical_address },
        checksum: '"abc def"',
        size_bytes: 5,
        ...more,
      })

      it('takes back the address that it handed out, for that path and branch alone', async () => {
        const given = await backing('p/a é')
        expect(given.status, given.bytes.toString()).toBe(200)
        expectShape(given, 'StagingLocation')
        const address = given.json.physical_address
        expect(address).toMatch(/\/data\/[0-9a-v]{20}\/[0-9a-v]{20},[\w-]{43}$/)
        expect(given.json.presigned_url).toBeNull()
        await send('POST', `${R}/branches`, { json: { name: 'other', source: 'main' } })
        const wrong = /^invalid address signature: invalid address$/
        refusal(await link('p/b', said(address)), 400, wrong)
        refusal(await link('p/a é', said(address), {}, 'other'), 400, wrong)
        refusal(await link('p/a é', said(`${address}x`)), 400, wrong)
        refusal(await link('p/a é', said(address.replace(/,.*/, ',A*'))), 400, /^malformed address signature: /)
        const unsigned = address.replace(/,.*/, '')
        refusal(await link('p/a é', said(unsigned)), 400, /^address is not signed: link address invalid$/)
        refusal(
          await link('p/a é', said(address.replace('/data/', '/data/../data/'))),
          400,
          /physical address is not valid/,
        )
        refusal(await link('p/a é', said(address, { checksum: '" "' })), 400, /^checksum is required$/)
        refusal(await link('p/a é', said(address, { size_bytes: -1 })), 400, /size_bytes/)
        refusal(await link('p/a é', said(address), {}, 'never'), 404, /branch 'never' not found/)
        expect((await stat('p/a é')).status).toBe(404)

        const linked = await link('p/a é', said(address, { user_metadata: { a: 'b' }, mtime: 1_600_000_000 }))
        expect(linked.status, linked.bytes.toString()).toBe(200)
        expectShape(linked, 'ObjectStats')
        expect(linked.json).toEqual({
          path: 'p/a é',
          path_type: 'object',
          physical_address: address,
          checksum: 'abcdef',
          size_bytes: 5,
          mtime: 1_600_000_000,
          content_type: 'application/octet-stream',
          metadata: { a: 'b' },
        })
        expect((await stat('p/a é')).json).toEqual(linked.json)
        await commit()
        expect((await stat('p/a é')).json).toEqual(linked.json)
      })

      it('keeps what is there when asked to', async () => {
        const once = { 'if-none-match': '*' }
        const first = (await backing('p/once')).json.physical_address
        const second = (await backing('p/once')).json.physical_address
        expect(second).not.toBe(first)
        expect((await link('p/once', said(first, { content_type: 'a/b' }), once)).status).toBe(200)
        refusal(await link('p/once', said(second), once), 412, /^Precondition failed$/)
        refusal(await link('p/once', said(second), { 'if-match': '"x"' }), 501, /precondition/)
        expect((await stat('p/once')).json).toMatchObject({ physical_address: first, content_type: 'a/b' })
        expect((await link('p/once', said(second))).status).toBe(200)
        const answers = await Promise.all(
          Array.from({ length: 5 }, async () =>
            link('p/race', said((await backing('p/race')).json.physical_address), once),
          ),
        )
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412])
      })

      it('never reaches into another repository, nor outlives its own', async () => {
        const foreign = uniqueName('foreign')
        const create = (namespace: string) =>
          send('POST', '/repositories', {
            json: { name: foreign, storage_id: storage.id, storage_namespace: `${storage.namespace}/${namespace}` },
          })
        expect((await create(foreign)).status).toBe(201)
        const at = `/repositories/${foreign}/branches/main/staging/backing?path=p`
        const address = (await send('GET', at)).json.physical_address
        refusal(await link('p', said(address)), 400, /lies in another repository's namespace$/)
        expect((await send('DELETE', `/repositories/${foreign}`)).status).toBe(204)
        expect((await create(`${foreign}-again`)).status).toBe(201)
        const moved = address.replace(`/${foreign}/`, `/${foreign}-again/`)
        refusal(await send('PUT', at, { json: said(moved) }), 400, /^invalid address signature: invalid address$/)
      })

      it('presigns where the storage does, and the whole way works', async () => {
        refusal(await send('GET', `/repositories/${uniqueName('no')}/branches/main/staging/backing?path=a`), 404, /./)
        expect((await backing('p/later', '', 'never')).status).toBe(200)
        const given = await backing('p/signed', '&presign=true')
        if (!storage.presigns) return refusal(given, 400, /cannot presign/)
        expect(given.status, given.bytes.toString()).toBe(200)
        expectShape(given, 'StagingLocation')
        expect(given.json.presigned_url_expiry).toBeGreaterThan(Date.now() / 1000)
        const stored = await fetch(given.json.presigned_url, { method: 'PUT', body: 'hello' })
        expect(stored.status, await stored.text()).toBe(200)
        const checksum = stored.headers.get('etag')
        const linked = await link('p/signed', said(given.json.physical_address, { checksum }))
        expect(linked.status).toBe(200)
        expect((await get('p/signed')).bytes.toString()).toBe('hello')
      })

      it('tells beforehand who may upload', async () => {
        const ask = (query: string, options?: Call) =>
          send('GET', `${R}/branches/any/objects/stage_allowed${query}`, options)
        expect((await ask('?path=a')).status).toBe(204)
        expect((await ask('')).status).toBe(400)
        refusal(await send('GET', `${R}/branches/%zz/objects/stage_allowed?path=a`), 400, /"branch" in path/)
        refusal(await send('GET', '/repositories/%/branches/any/objects/stage_allowed?path=a'), 400, /"repository"/)
        refusal(await ask('?path=a', { signed: false }), 401, /^error authenticating request$/)
      })
    })

    describe('reading from the storage itself', () => {
      const at = (path: string) => `${R}/refs/main/objects?presign=true&path=${q(path)}`

      it('is promised where it is possible', async () => {
        const { storage_config_list } = (await send('GET', '/config')).json
        const own = storage_config_list.find((one: { blockstore_id: string }) => one.blockstore_id === storage.id)
        expect(own.pre_sign_support).toBe(storage.presigns)
      })

      it('goes by URLs, which end', async () => {
        await put('r/a é.html', '<html>', { 'x-lakefs-meta-k': 'v' })
        await put('r/sub/b', 'b')
        const plain = (await stat('r/a é.html')).json
        const listing = `${R}/refs/main/objects/ls?prefix=r/&delimiter=/&presign=true`
        refusal(await send('GET', at('r/never')), 404, /not found/)
        if (!storage.presigns) {
          for (const answer of [await send('GET', at('r/a é.html')), await stat('r/a é.html', 'presign=true')])
            refusal(answer, 400, /cannot presign/)
          refusal(await send('GET', listing), 400, /cannot presign/)
          refusal(await send('GET', `${R}/refs/main/objects/ls?prefix=nothing&presign=true`), 400, /cannot presign/)
          return
        }
        const sent = await send('GET', at('r/a é.html'))
        expect(sent.status, sent.bytes.toString()).toBe(302)
        expect(await (await fetch(sent.headers.get('location') ?? '')).text()).toBe('<html>')
        const unchanged = await send('GET', at('r/a é.html'), { headers: { 'if-none-match': `"${plain.checksum}"` } })
        expect(unchanged.status).toBe(304)

        const shown = await stat('r/a é.html', 'presign=true')
        expectShape(shown, 'ObjectStats')
        const { physical_address, physical_address_expiry, ...rest } = shown.json
        expect({ ...rest, physical_address: plain.physical_address }).toEqual(plain)
        expect(physical_address_expiry).toBeGreaterThan(Date.now() / 1000)
        expect(await (await fetch(physical_address)).text()).toBe('<html>')

        const listed = await send('GET', listing)
        expectShape(listed, 'ObjectStatsList')
        const [object, group] = listed.json.results
        expect(await (await fetch(object.physical_address)).text()).toBe('<html>')
        expect(object.physical_address_expiry).toBeGreaterThan(Date.now() / 1000)
        expect(group).toMatchObject({ path: 'r/sub/', physical_address: '' })
      })

      it('tells the storage class', async () => {
        await put('r/class', 'x')
        const answer = await send('GET', `${R}/refs/main/objects/underlyingProperties?path=r/class`)
        expect(answer.status, answer.bytes.toString()).toBe(200)
        expectShape(answer, 'UnderlyingObjectProperties')
        expect(answer.json).toEqual({ storage_class: null })
        const cold = await send('POST', `${R}/branches/main/objects?path=r/cold&storageClass=GLACIER`, { body: 'x' })
        expect(cold.status).toBe(201)
        const told = (await send('GET', `${R}/refs/main/objects/underlyingProperties?path=r/cold`)).json.storage_class
        expect(['GLACIER', null]).toContain(told)
        const missing = await send('GET', `${R}/refs/main/objects/underlyingProperties?path=r/never`)
        refusal(missing, 404, /not found/)
      })

      it('finds the tables of a commit, and none that are not there', async () => {
        const { meta_range_id } = await commit()
        const found = await send('GET', `${R}/metadata/meta_range/${meta_range_id}`)
        expect(found.status, found.bytes.toString()).toBe(200)
        expectShape(found, 'StorageURI')
        expect(found.json.location).toBe(`_lakefs/${meta_range_id}`)
        expect(found.headers.get('location')).toBe(found.json.location)
        const table = await send('GET', `${R}/metadata/object/meta_range/${meta_range_id}`)
        expect(table.status).toBe(200)
        expect(table.headers.get('content-type')).toBe('application/octet-stream')
        expect(table.headers.get('content-length')).toBe(String(table.bytes.length))
        const range_id = /[0-9a-f]{64}/.exec(table.bytes.toString('latin1'))?.[0]
        const range = await send('GET', `${R}/metadata/range/${range_id}`)
        expect(range.json).toEqual({ location: `_lakefs/${range_id}` })
        expect((await send('GET', `${R}/metadata/object/range/${range_id}`)).bytes.length).toBeGreaterThan(0)

        const presigned = await send('GET', `${R}/metadata/object/meta_range/${meta_range_id}?presign=true`)
        if (storage.presigns) {
          expect(presigned.status).toBe(302)
          const bytes = Buffer.from(await (await fetch(presigned.headers.get('location') ?? '')).arrayBuffer())
          expect(bytes.equals(table.bytes)).toBe(true)
        } else refusal(presigned, 400, /cannot presign/)

        for (const id of ['0'.repeat(64), 'dummy', '..']) {
          for (const way of ['meta_range', 'range', 'object/range', 'object/meta_range'])
            refusal(await send('GET', `${R}/metadata/${way}/${q(id).replace('..', '%2e%2e%2f')}`), 404, /not found/)
        }
        refusal(await send('GET', `${R}/metadata/object/table/${meta_range_id}`), 400, /type/)
      })
    })

    describe('conditional uploads', () => {
      const upload = (path: string, headers: Record<string, string>) =>
        send('POST', `${R}/branches/main/objects?path=${q(path)}`, { body: 'data', headers })

      it('with If-None-Match: * keep a staged and a committed object, and other conditions are not built', async () => {
        const once = { 'if-none-match': '*' }
        expect((await upload('if/new', once)).status).toBe(201)
        refusal(await upload('if/new', once), 412, /^path already exists$/)
        await commit()
        refusal(await upload('if/new', once), 412, /^path already exists$/)
        expect((await send('DELETE', `${R}/branches/main/objects?path=if/new`)).status).toBe(204)
        expect((await upload('if/new', once)).status).toBe(201)
        for (const headers of [{ 'if-match': '*' }, { 'if-match': '"x"' }, { 'if-none-match': '"x"' }])
          refusal(await upload('if/other', headers), 501, /precondition/)
        refusal(await upload('if/other', { ...once, 'if-match': '"x"' }), 501, /precondition/)
        expect((await stat('if/other')).status).toBe(404)
      })

      it('of many at once let exactly one through', async () => {
        const answers = await Promise.all(Array.from({ length: 5 }, () => upload('if/race', { 'if-none-match': '*' })))
        expect(answers.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412, 412])
      })
    })

    describe('reading', () => {
      const at = (path: string) => `${R}/refs/main/objects?path=${q(path)}`

      it('under If-None-Match answers 304 for the very tag, and the object for anything else', async () => {
        const { checksum } = await put('v/tag', 'data')
        const same = await get('v/tag', '', { 'if-none-match': `"${checksum}"` })
        expect([same.status, same.bytes.length]).toEqual([304, 0])
        for (const value of [checksum, `W/"${checksum}"`, '*', `"${checksum}", "x"`, '"x"'])
          expect([value, (await get('v/tag', '', { 'if-none-match': value })).status]).toEqual([value, 200])
        // These conditions are not in the contract: an object is never kept back because of them.
        const later = new Date(Date.now() + 86_400_000).toUTCString()
        for (const name of ['if-modified-since', 'if-match', 'if-range'])
          expect([name, (await get('v/tag', '', { [name]: later })).status]).toEqual([name, 200])
        const long_ago = new Date(0).toUTCString()
        expect((await get('v/tag', '', { 'if-unmodified-since': long_ago })).status).toBe(200)
      })

      it('by ranges takes every form, and tells what cannot be served', async () => {
        await put('v/digits', '0123456789')
        await put('v/empty', '')
        const forms: [string, string, string][] = [
          ['bytes=0-3', '0123', '0-3'],
          ['bytes=4-', '456789', '4-9'],
          ['bytes=-3', '789', '7-9'],
          ['bytes=-99', '0123456789', '0-9'],
          ['bytes=8-99', '89', '8-9'],
          ['bytes=9-9', '9', '9-9'],
        ]
        for (const [range, text, place] of forms) {
          const answer = await get('v/digits', '', { range })
          expect([range, answer.status, answer.bytes.toString()]).toEqual([range, 206, text])
          expect(answer.headers.get('content-range')).toBe(`bytes ${place}/10`)
          expect(answer.headers.get('content-length')).toBe(String(text.length))
          const head = await send('HEAD', at('v/digits'), { headers: { range } })
          expect([range, head.status]).toEqual([range, 206])
          expect(head.headers.get('content-range')).toBe(`bytes ${place}/10`)
          expect(head.headers.get('content-length')).toBe(String(text.length))
        }
        const unserved: [string, string, string][] = [
          ['v/digits', 'bytes=10-', 'bytes */10'],
          ['v/digits', 'bytes=99-100', 'bytes */10'],
          ['v/digits', 'bytes=-0', 'bytes */10'],
          ['v/empty', 'bytes=0-', 'bytes */0'],
          ['v/digits', 'bytes=3-2', 'bytes */10'],
          ['v/digits', 'bytes=0-1,3-4', 'bytes */10'],
          ['v/digits', 'bytes=0-1, 3-4', 'bytes */10'],
        ]
        for (const [path, range, place] of unserved) {
          const answer = await get(path, '', { range })
          refusal(answer, 416, /^Requested Range Not Satisfiable$/)
          expect([range, answer.headers.get('content-range')]).toEqual([range, place])
          const head = await send('HEAD', at(path), { headers: { range } })
          expect([range, head.status, head.bytes.length]).toEqual([range, 416, 0])
        }
        for (const range of ['bytes', 'bytes=', 'bytes=a-b', 'lines=0-1', '0-1']) {
          refusal(await get('v/digits', '', { range }), 400, /parameter "Range" in header/)
          expect((await send('HEAD', at('v/digits'), { headers: { range } })).status).toBe(400)
        }
      })

      it('by HEAD tells everything that GET tells of the object, and no body', async () => {
        const { checksum, mtime } = await put('v/head', 'hello')
        const head = await send('HEAD', at('v/head'))
        expect([head.status, head.bytes.length]).toEqual([200, 0])
        const told = (answer: Answer, names: string[]) => names.map((name) => answer.headers.get(name))
        const shared = ['etag', 'last-modified', 'content-type', 'content-length', 'cache-control', 'expires']
        expect(told(head, shared)).toEqual([
          `"${checksum}"`,
          new Date(mtime * 1000).toUTCString(),
          'text/x-test',
          '5',
          expect.stringMatching(/^no-store, must-revalidate/),
          '0',
        ])
        expect(told(await get('v/head'), shared)).toEqual(told(head, shared))
        expect(head.headers.get('accept-ranges')).toBe('bytes')
        expect(head.headers.get('x-request-id')).toMatch(/./)
        const missing = await send('HEAD', at('v/never'))
        expect([missing.status, missing.bytes.length]).toEqual([404, 0])
      })

      it('of pages and scripts that somebody stored never lets them run as ours', async () => {
        const types: [string, 'inline' | 'attachment'][] = [
          ['text/html', 'inline'],
          ['image/svg+xml', 'inline'],
          ['text/javascript', 'inline'],
          ['application/xml', 'inline'],
          ['text/html; charset=utf-8', 'attachment'],
          ['TEXT/HTML', 'attachment'],
          ['application/xhtml+xml', 'attachment'],
          ['application/x-shockwave-flash', 'attachment'],
          ['text/x-unknown', 'attachment'],
        ]
        for (const [type, disposition] of types) {
          await put('v/hostile', '<script>alert(1)</script>', { 'content-type': type })
          for (const headers of [{}, { range: 'bytes=0-4' }]) {
            const answer = await get('v/hostile', '', headers)
            const names = ['content-type', 'content-disposition', 'x-content-type-options', 'x-frame-options']
            expect(names.map((name) => answer.headers.get(name))).toEqual([type, disposition, 'nosniff', 'SAMEORIGIN'])
            expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
          }
        }
        await put('v/hostile', '%PDF-', { 'content-type': 'application/pdf' })
        const pdf = await get('v/hostile')
        expect(pdf.headers.get('content-security-policy')).toBe("default-src 'none'")
        expect(pdf.headers.get('content-disposition')).toBe('inline')
      })
    })

    describe('listing', () => {
      it('shows user metadata unless told otherwise, and URLs only when asked', async () => {
        await put('ls/with', 'x', { 'x-lakefs-meta-k': 'v' })
        await put('ls/without', 'x')
        const ask = async (query: string) => {
          const answer = await send('GET', `${R}/refs/main/objects/ls?prefix=ls/&${query}`)
          expect(answer.status, answer.bytes.toString()).toBe(200)
          expectShape(answer, 'ObjectStatsList')
          return answer.json.results
        }
        const shown = await ask('')
        expect(shown[0].metadata).toEqual({ k: 'v' })
        expect(shown[1].metadata ?? {}).toEqual({})
        expect(await ask('user_metadata=true&presign=false')).toEqual(shown)
        const bare = await ask('user_metadata=false')
        for (const [at, entry] of bare.entries()) {
          expect(entry.metadata).toBeUndefined()
          expect({ ...shown[at], metadata: undefined }).toEqual({ ...entry, metadata: undefined })
        }
        refusal(await send('GET', `${R}/refs/main/objects/ls?user_metadata=perhaps`), 400, /user_metadata/)
      })

      it('takes underscore objects and directory markers as any other', async () => {
        const paths = ['_SUCCESS', '_temporary/0/', '_temporary/0/part-0', 'dir/', 'dir/_SUCCESS', '_lakefs/dummy']
        for (const path of paths) await put(`us/${path}`, path)
        const sorted = paths.map((path) => `us/${path}`).sort()
        expect(await list('us/')).toEqual(sorted)
        await commit()
        expect(await list('us/')).toEqual(sorted)
        for (const path of paths) expect((await get(`us/${path}`)).bytes.toString()).toBe(path)
        const grouped = (await send('GET', `${R}/refs/main/objects/ls?prefix=us/&delimiter=/`)).json.results
        expect(grouped.map((entry: { path: string; path_type: string }) => [entry.path, entry.path_type])).toEqual([
          ['us/_SUCCESS', 'object'],
          ['us/_lakefs/', 'common_prefix'],
          ['us/_temporary/', 'common_prefix'],
          ['us/dir/', 'common_prefix'],
        ])
        const removed = await send('POST', `${R}/branches/main/objects/delete`, { json: { paths: sorted } })
        expect(removed.json).toEqual({ errors: [] })
        expect(await list('us/')).toEqual([])
      })
    })
  })
}
