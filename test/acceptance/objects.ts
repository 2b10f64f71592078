/** What clients do with objects beyond writing and reading one, over HTTP only. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape } from '../support/contract.ts'
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
    const refusal = (answer: Answer, status: number, text: string | RegExp) => {
      expect({ status: answer.status, message: answer.json?.message }).toEqual({
        status,
        message: expect.stringMatching(text),
      })
      expectShape(answer, 'Error')
    }

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

      it('takes a thousand, tells of each that it refuses, and passes over an empty one', async () => {
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
          { path: long, status_code: 400, message: expect.stringMatching(/1024 bytes/) },
        ])
        expect(await list('t/')).toEqual([])
        expect((await remove([])).json).toEqual({ errors: [] })
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
      })
    })
  })
}
