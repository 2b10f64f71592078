/** Commits with all their options, the log by everything it can be asked for, sample data and symlink manifests, over HTTP only. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape, refusal } from '../support/contract.ts'
import { type Call, call, type Target, uniqueName } from '../support/http.ts'

const q = encodeURIComponent

export function describeCommits(title: string, server: () => Target): void {
  describe(title, () => {
    const name = uniqueName('commits')
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
    const commit = (branch: string, more: object = {}, query = '') =>
      send('POST', `${R}/branches/${branch}/commits${query}`, { json: { message: 'a commit', ...more } })
    const made = async (branch: string, more: object = {}, query = '') => {
      const answer = await commit(branch, more, query)
      expect(answer.status, answer.bytes.toString()).toBe(201)
      expectShape(answer, 'Commit')
      return answer.json
    }
    const log = async (ref: string, query: string) => {
      const answer = await ok(200, 'GET', `${R}/refs/${q(ref)}/commits?${query}`)
      expectShape(answer, 'CommitList')
      return answer.json
    }
    const messages = async (ref: string, query: string) =>
      (await log(ref, query)).results.map((found: { message: string }) => found.message)

    beforeAll(async () => {
      await ok(201, 'POST', '/repositories', { json: { name, storage_namespace: `local://${name}` } })
    })

    describe('making one', () => {
      it('needs changes, unless an empty one is allowed', async () => {
        const branch = await branchFrom('main')
        refusal(await commit(branch), 400, /^commit: no changes$/)
        const empty = await made(branch, { allow_empty: true })
        const again = await made(branch, { allow_empty: true, message: 'again' })
        expect(again).toMatchObject({ parents: [empty.id], meta_range_id: empty.meta_range_id })
      })

      it('takes a date and metadata, and is found by any ref', async () => {
        const branch = await branchFrom('main')
        await put(branch, 'dated')
        const dated = await made(branch, { date: 1_600_000_000, metadata: { k: 'v', ключ: 'значение' } })
        expect(dated).toMatchObject({ creation_date: 1_600_000_000, metadata: { k: 'v', ключ: 'значение' } })
        for (const ref of [dated.id, branch, `${branch}@`, dated.id.slice(0, 12)])
          expect((await ok(200, 'GET', `${R}/commits/${q(ref)}`)).json).toEqual(dated)
        refusal(await send('GET', `${R}/commits/${'0'.repeat(64)}`), 404, /^commit not found$/)
        refusal(await commit(branch, { date: 'yesterday' }), 400, /"date"/)
      })

      it('in a read-only repository needs force', async () => {
        const frozen = uniqueName('frozen')
        await ok(201, 'POST', '/repositories', {
          json: { name: frozen, storage_namespace: `local://${frozen}`, read_only: true },
        })
        const place = `/repositories/${frozen}/branches/main/commits`
        const json = { message: 'm', allow_empty: true }
        refusal(await send('POST', place, { json }), 403, /^read-only repository$/)
        await ok(201, 'POST', place, { json: { ...json, force: true } })
      })

      it('takes a metarange that is there, on a branch without uncommitted changes', async () => {
        const branch = await branchFrom('main')
        await put(branch, 'one', '1')
        const first = await made(branch)
        await put(branch, 'two', '2')
        const second = await made(branch)
        const back = await made(branch, { message: 'back' }, `?source_metarange=${first.meta_range_id}`)
        expect(back).toMatchObject({ parents: [second.id], meta_range_id: first.meta_range_id })
        const listed = await ok(200, 'GET', `${R}/refs/${branch}/objects/ls`)
        expect(listed.json.results.map((entry: { path: string }) => entry.path)).toEqual(['one'])

        await put(branch, 'two', 'again')
        const dirty = await commit(branch, {}, `?source_metarange=${second.meta_range_id}`)
        refusal(dirty, 400, /^cannot use source MetaRange on a branch with uncommitted changes$/)
        // Staged rows without effect are no changes.
        await ok(204, 'DELETE', `${R}/branches/${branch}/objects?path=two`)
        await put(branch, 'one', '1')
        await made(branch, {}, `?source_metarange=${second.meta_range_id}`)
        expect((await ok(200, 'GET', `${R}/branches/${branch}/diff`)).json.results).toEqual([])
      })

      it('refuses a metarange that is not there, or is none', async () => {
        const branch = await branchFrom('main')
        await put(branch, 'some/object')
        const { meta_range_id: tree } = await made(branch)
        const missing = await commit(branch, {}, `?source_metarange=${'a'.repeat(64)}`)
        refusal(missing, 400, /source_metarange.*no metarange/)
        refusal(await commit(branch, {}, '?source_metarange=nonsense'), 400, /source_metarange/)
        const { location } = (await ok(200, 'GET', `${R}/metadata/meta_range/${tree}`)).json
        expect(location).toContain(tree)
        expect(await messages(branch, 'amount=1')).toEqual(['a commit'])
      })
    })

    describe('the log', () => {
      let branch = ''
      let ids: string[] = []

      beforeAll(async () => {
        branch = await branchFrom('main')
        ids = []
        for (const [n, path] of ['a', 'dir/1', 'dir/2', 'b', 'dir/1', 'dirt'].entries()) {
          await put(branch, path, `${n}`)
          ids.unshift((await made(branch, { message: `${n} ${path}`, date: 1_700_000_000 + n })).id)
        }
      })

      it('by objects and prefixes has the commits that changed them', async () => {
        expect(await messages(branch, 'objects=dir%2F1')).toEqual(['4 dir/1', '1 dir/1'])
        expect(await messages(branch, 'prefixes=dir%2F')).toEqual(['4 dir/1', '2 dir/2', '1 dir/1'])
        expect(await messages(branch, 'prefixes=dir')).toEqual(['5 dirt', '4 dir/1', '2 dir/2', '1 dir/1'])
        expect(await messages(branch, 'objects=a&prefixes=b&objects=nowhere')).toEqual(['3 b', '0 a'])
        expect(await messages(branch, 'objects=dir')).toEqual([])
      })

      it('by paths pages, ends where it is told, and mixes with everything else', async () => {
        const first = await log(branch, 'prefixes=dir%2F&amount=1')
        expect(first).toMatchObject({ pagination: { has_more: true }, results: [{ message: '4 dir/1' }] })
        const next = `prefixes=dir%2F&amount=1&after=${first.pagination.next_offset}`
        expect(await messages(branch, next)).toEqual(['2 dir/2'])
        const limited = await log(branch, 'prefixes=dir%2F&amount=1&limit=true')
        expect(limited).toMatchObject({ pagination: { has_more: false }, results: [{ message: '4 dir/1' }] })
        expect(await messages(branch, `prefixes=dir%2F&stop_at=${ids[3]}`)).toEqual(['4 dir/1', '2 dir/2'])
        const since = q(new Date(1_700_000_002_000).toISOString())
        expect(await messages(branch, `prefixes=dir%2F&since=${since}&first_parent=true`)).toEqual([
          '4 dir/1',
          '2 dir/2',
        ])
      })

      it('goes by pages, first parents, a date, an end', async () => {
        const whole = (await log(branch, 'amount=1000')).results.map((found: { id: string }) => found.id)
        expect(whole.slice(0, 6)).toEqual(ids)
        const paged: string[] = []
        for (let after = '', more = true; more; ) {
          const page = await log(branch, `amount=4&after=${after}&first_parent=true`)
          paged.push(...page.results.map((found: { id: string }) => found.id))
          after = page.pagination.next_offset
          more = page.pagination.has_more
        }
        expect(paged).toEqual(whole)
        for (const after of ['nonsense', '\\..\\', '{,}', 'a'.repeat(64)])
          expect(await messages(branch, `after=${q(after)}`)).toEqual([])
        expect(await messages(branch, `amount=2&limit=true`)).toEqual(['5 dirt', '4 dir/1'])
        expect(await messages(branch, `stop_at=${ids[1]}`)).toEqual(['5 dirt', '4 dir/1'])
        expect(await messages(branch, `stop_at=&since=${q('2023-11-14T22:13:24Z')}`)).toEqual(['5 dirt', '4 dir/1'])
        refusal(await send('GET', `${R}/refs/${branch}/commits?stop_at=nowhere`), 404, /^stop_at: .*not found/)
        refusal(await send('GET', `${R}/refs/${branch}/commits?objects=${'x'.repeat(1025)}`), 400, /objects/)
      })
    })

    describe('a repository with sample data', () => {
      it('has them committed on a protected branch', async () => {
        const sample = uniqueName('sample')
        const created = {
          name: sample,
          storage_namespace: `local://${sample}`,
          default_branch: 'trunk',
          sample_data: true,
        }
        expectShape(await ok(201, 'POST', '/repositories', { json: created }), 'Repository')
        const S = `/repositories/${sample}`
        const history = (await ok(200, 'GET', `${S}/refs/trunk/commits`)).json.results
        expect(history.map((found: { message: string }) => found.message)).toEqual([
          'Add sample data',
          'Repository created',
        ])
        expect((await ok(200, 'GET', `${S}/branches/trunk/diff`)).json.results).toEqual([])
        const listed = (await ok(200, 'GET', `${S}/refs/trunk/objects/ls`)).json.results
        expect(listed.length).toBeGreaterThan(3)
        for (const { path, size_bytes } of listed) {
          const read = await ok(200, 'GET', `${S}/refs/trunk/objects?path=${q(path)}`)
          expect(read.bytes.length).toBe(size_bytes)
        }
        expect((await send('POST', `${S}/branches/trunk/objects?path=x`, { body: 'x' })).status).toBe(403)
        const bare = await send('POST', '/repositories?bare=true', {
          json: { name: uniqueName('bare'), storage_namespace: `local://${uniqueName('bare')}`, sample_data: true },
        })
        refusal(bare, 400, /sample_data/)
      })
    })

    describe('symlink manifests', () => {
      it('name the addresses of each folder', async () => {
        const branch = await branchFrom('main')
        const wanted = new Map<string, string[]>()
        for (const path of ['t/top', 't/x/1', 't/x/y/2', 't/x/z', 'u/other']) {
          const { physical_address } = (await put(branch, path)).json
          const folder = path.slice(0, path.lastIndexOf('/'))
          wanted.set(folder, [...(wanted.get(folder) ?? []), physical_address])
        }
        const answer = await ok(201, 'POST', `${R}/refs/${branch}/symlink?location=t%2F`)
        expectShape(answer, 'StorageURI')
        expect(answer.json).toEqual({ location: `local://${name}/symlinks` })
        for (const [folder, addresses] of wanted) {
          const [address = ''] = addresses
          const manifest = `${address.slice(0, address.indexOf('/data/'))}/symlinks/${name}/${branch}/${folder}/symlink.txt`
          const staged = { physical_address: manifest, checksum: 'c', size_bytes: 1 }
          await ok(201, 'PUT', `${R}/branches/${branch}/objects?path=manifest`, { json: staged })
          const read = await send('GET', `${R}/refs/${branch}/objects?path=manifest`)
          if (folder === 'u') expect(read.status).not.toBe(200)
          else expect(read.bytes.toString().split('\n')).toEqual(addresses)
        }
        refusal(await send('POST', `${R}/refs/nowhere/symlink`), 404, /not found/)
      })
    })
  })
}
