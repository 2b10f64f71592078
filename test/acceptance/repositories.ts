/** Repositories: sample data, read-only ones, pages of them, their end; over HTTP only. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape, refusal } from '../support/contract.ts'
import { type Answer, type Call, call, type Target, uniqueName } from '../support/http.ts'

export interface RepositoriesStorage {
  readonly id: string
  /** A namespace under which nothing lies, without a trailing slash. */
  readonly namespace: string
}

const q = encodeURIComponent

export function describeRepositories(title: string, server: () => Target, storage: RepositoriesStorage): void {
  describe(title, () => {
    const send = (method: string, path: string, options?: Call) => call(server(), method, path, options)
    const ok = async (status: number, method: string, path: string, options?: Call) => {
      const answer = await send(method, path, options)
      expect(answer.status, `${method} ${path}: ${answer.bytes.toString()}`).toBe(status)
      return answer
    }
    const create = (name: string, more: Record<string, unknown> = {}, query = '') =>
      send('POST', `/repositories${query}`, {
        json: { name, storage_id: storage.id, storage_namespace: `${storage.namespace}/${name}`, ...more },
      })

    describe('sample data', () => {
      it('is committed to the default branch, reads back, and the branch is protected', async () => {
        const name = uniqueName('sample')
        const R = `/repositories/${name}`
        const created = await create(name, { sample_data: true, default_branch: 'trunk' })
        expect(created.status, created.bytes.toString()).toBe(201)
        expectShape(created, 'Repository')
        expect(created.json.default_branch).toBe('trunk')

        const log = (await ok(200, 'GET', `${R}/refs/trunk/commits`)).json.results
        expect(log.map((made: { message: string }) => made.message)).toEqual(['Add sample data', 'Repository created'])
        expect(log[0]).toMatchObject({ parents: [log[1].id], generation: 2, committer: expect.stringMatching(/./) })
        expect((await ok(200, 'GET', `${R}/branches/trunk/diff`)).json.results).toEqual([])

        const listed = await ok(200, 'GET', `${R}/refs/trunk/objects/ls?amount=1000`)
        expectShape(listed, 'ObjectStatsList')
        const objects: { path: string; size_bytes: number; checksum: string; content_type: string }[] =
          listed.json.results
        expect(objects.length).toBeGreaterThan(4)
        for (const { path, size_bytes, checksum, content_type } of objects) {
          const read = await ok(200, 'GET', `${R}/refs/trunk@/objects?path=${q(path)}`)
          expect([path, read.bytes.length]).toEqual([path, size_bytes])
          expect(read.headers.get('etag')).toBe(`"${checksum}"`)
          expect(read.headers.get('content-type')).toBe(content_type)
        }
        expect(objects.reduce((sum, { size_bytes }) => sum + size_bytes, 0)).toBeLessThan(100_000)
        const types = new Set(objects.map(({ path }) => path.replace(/.*\./, '')))
        for (const type of ['md', 'csv', 'jsonl']) expect(types).toContain(type)

        const rules = await ok(200, 'GET', `${R}/settings/branch_protection`)
        expect(rules.json).toEqual([{ pattern: 'trunk' }])
        refusal(await send('POST', `${R}/branches/trunk/objects?path=a`, { body: 'x' }), 403, /protected branch/)
        await ok(201, 'POST', `${R}/branches`, { json: { name: 'work', source: 'trunk' } })
        await ok(201, 'POST', `${R}/branches/work/objects?path=lakes.csv`, { body: 'name\nThun\n' })
        await ok(201, 'POST', `${R}/branches/work/commits`, { json: { message: 'fewer lakes' } })
        expect((await ok(200, 'GET', `${R}/refs/work/objects/ls?amount=1000`)).json.results).toHaveLength(
          objects.length,
        )
      })

      it('is in a read-only repository too, and in none that is bare', async () => {
        const frozen = uniqueName('sample')
        expect((await create(frozen, { sample_data: true, read_only: true })).status).toBe(201)
        await ok(200, 'GET', `/repositories/${frozen}/refs/main/objects/stat?path=README.md`)
        const bare = uniqueName('sample')
        refusal(await create(bare, { sample_data: true }, '?bare=true'), 400, /sample_data/)
        refusal(await send('GET', `/repositories/${bare}`), 404, /repository not found/)
        refusal(await create(bare, { sample_data: 'yes' }), 400, /sample_data/)
      })

      it('of a creation that is refused leaves the name free, and of several at once is in one', async () => {
        const name = uniqueName('sample')
        const first = await create(name, { sample_data: true })
        expect(first.status, first.bytes.toString()).toBe(201)
        const other = uniqueName('sample')
        const place = `${storage.namespace}/${name}`
        refusal(await create(other, { sample_data: true, storage_namespace: place }), 400, /already in use/)
        refusal(await send('GET', `/repositories/${other}`), 404, /repository not found/)
        expect((await create(other, { sample_data: true })).status).toBe(201)
        const racing = uniqueName('sample')
        const answers = await Promise.all(Array.from({ length: 4 }, () => create(racing, { sample_data: true })))
        expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
        await ok(200, 'GET', `/repositories/${racing}/refs/main/objects/stat?path=README.md`)
      })
    })

    describe('symlink files', () => {
      it('name the objects of each folder as they are now, and again what they name later', async () => {
        const name = uniqueName('links')
        const R = `/repositories/${name}`
        expect((await create(name)).status).toBe(201)
        await ok(201, 'POST', `${R}/branches`, { json: { name: 'reader', source: 'main' } })
        const put = (path: string) => ok(201, 'POST', `${R}/branches/main/objects?path=${q(path)}`, { body: path })
        // Between the two objects of a/ come those of a/b/.
        for (const path of ['a/0', 'a/b/1', 'a/b/2', 'a/c', 'a/é/3', 'top', '_temporary/_SUCCESS']) await put(path)
        await ok(201, 'POST', `${R}/branches/main/commits`, { json: { message: 'x' } })
        await put('a/b/staged')
        await ok(204, 'DELETE', `${R}/branches/main/objects?path=a/b/2`)

        /** The file is read as an object of another branch that refers to it. */
        const read = async (location: string, folder: string) => {
          const physical_address = `${location}/${name}/main/${folder}symlink.txt`
          const json = { physical_address, checksum: 'x', size_bytes: 10_000 }
          await ok(201, 'PUT', `${R}/branches/reader/objects?path=file`, { json })
          const answer = await send('GET', `${R}/refs/reader/objects?path=file`)
          return answer.status === 200 ? answer.bytes.toString().split('\n') : answer.status
        }
        const addresses = async (...paths: string[]) => {
          const stats = paths.map((path) => ok(200, 'GET', `${R}/refs/main/objects/stat?path=${q(path)}`))
          return (await Promise.all(stats)).map(({ json }) => json.physical_address)
        }
        const made = await ok(201, 'POST', `${R}/refs/main/symlink`)
        expectShape(made, 'StorageURI')
        const { location } = made.json
        expect(location).toBe(`${storage.namespace}/${name}/symlinks`)
        expect(await read(location, '')).toEqual(await addresses('top'))
        expect(await read(location, 'a/')).toEqual(await addresses('a/0', 'a/c'))
        expect(await read(location, 'a/b/')).toEqual(await addresses('a/b/1', 'a/b/staged'))
        expect(await read(location, 'a/é/')).toEqual(await addresses('a/é/3'))
        expect(await read(location, '_temporary/')).toEqual(await addresses('_temporary/_SUCCESS'))
        // No file of a folder that holds nothing itself; what is missing in the storage is gone.
        expect(await read(location, 'never/')).toBe(410)

        await put('a/d')
        await put('new/1')
        const some = await ok(201, 'POST', `${R}/refs/main/symlink?location=${q('a/c')}`)
        expect(some.json).toEqual({ location })
        expect(await read(location, 'a/')).toEqual(await addresses('a/c'))
        expect(await read(location, 'new/')).toBe(410)
        expect(await read(location, 'a/b/')).toEqual(await addresses('a/b/1', 'a/b/staged'))
        await ok(201, 'POST', `${R}/refs/main/symlink?location=${q('a/')}`)
        expect(await read(location, 'a/')).toEqual(await addresses('a/0', 'a/c', 'a/d'))
        expect((await ok(200, 'GET', `${R}/branches/main/diff`)).json.results).toHaveLength(4)
      })

      it('refuse a branch or a repository that is not there, and folders without a name in text', async () => {
        const name = uniqueName('links')
        const R = `/repositories/${name}`
        expect((await create(name)).status).toBe(201)
        await ok(201, 'POST', `${R}/refs/main/symlink`)
        refusal(await send('POST', `${R}/refs/never/symlink`), 404, /branch not found/)
        refusal(await send('POST', `/repositories/${uniqueName('no')}/refs/main/symlink`), 404, /repository not found/)
        refusal(await send('POST', `${R}/refs/main/symlink?location=`), 400, /location/)
        refusal(await send('POST', `${R}/refs/main/symlink`, { signed: false }), 401, /authenticating/)
        await ok(201, 'POST', `${R}/branches/main/objects?path=%ff/a`, { body: 'x' })
        refusal(await send('POST', `${R}/refs/main/symlink`), 400, /not UTF-8/)
      })
    })

    describe('lists', () => {
      it('go by prefix, search and pages of any size, and show bare and read-only repositories', async () => {
        const common = uniqueName('list')
        const names = ['a', 'b--x', 'c', 'd--x'].map((end) => `${common}-${end}`)
        const [a = '', b = '', c = '', d = ''] = names
        expect((await create(a)).status).toBe(201)
        expect((await create(b, {}, '?bare=true')).status).toBe(201)
        expect((await create(c, { read_only: true })).status).toBe(201)
        expect((await create(d)).status).toBe(201)
        const pages = async (query: string, amount: number) => {
          const ids: string[] = []
          for (let after = '', more = true; more; ) {
            const page = await ok(200, 'GET', `/repositories?${query}&amount=${amount}&after=${q(after)}`)
            expectShape(page, 'RepositoryList')
            const { results, pagination } = page.json
            expect(results.length).toBeLessThanOrEqual(amount)
            expect(pagination.next_offset).toBe(pagination.has_more ? results.at(-1).id : '')
            ids.push(...results.map(({ id }: { id: string }) => id))
            after = pagination.next_offset
            more = pagination.has_more
          }
          return ids
        }
        for (const amount of [1, 2, 3, 1000]) {
          expect(await pages(`prefix=${common}`, amount)).toEqual(names)
          expect(await pages(`search=${common.slice(2)}`, amount)).toEqual(names)
          expect(await pages(`prefix=${common}&search=--x`, amount)).toEqual([b, d])
          expect(await pages(`prefix=${common}-b&search=--c`, amount)).toEqual([])
        }
        const rest = (await ok(200, 'GET', `/repositories?prefix=${common}&after=${common}-bz`)).json.results
        expect(rest.map(({ id }: { id: string }) => id)).toEqual([c, d])
        expect(rest[0]).toMatchObject({ read_only: true, storage_id: storage.id, default_branch: 'main' })
        for (const amount of ['1001', 'x']) refusal(await send('GET', `/repositories?amount=${amount}`), 400, /amount/)
      })
    })

    describe('read-only repositories', () => {
      const name = uniqueName('frozen')
      const R = `/repositories/${name}`
      const B = `${R}/branches/main`

      beforeAll(async () => {
        expect((await create(name, { read_only: true })).status).toBe(201)
        await ok(201, 'POST', `${B}/objects?path=a&force=true`, { body: 'a' })
      })

      const linkOf = async (force: boolean) => {
        const { physical_address } = (await ok(200, 'GET', `${B}/staging/backing?path=linked`)).json
        return { staging: { physical_address }, checksum: 'x', size_bytes: 1, force }
      }
      const staged = { physical_address: `${storage.namespace}/${name}/elsewhere/x`, checksum: 'x', size_bytes: 1 }
      /** Every operation that changes a repository and has `force`, in an order in which all can be forced. */
      const changes: [string, number, (force: boolean) => Promise<Answer>][] = [
        ['uploadObject', 201, (force) => send('POST', `${B}/objects?path=b&force=${force}`, { body: 'b' })],
        ['stageObject', 201, (force) => send('PUT', `${B}/objects?path=staged`, { json: { ...staged, force } })],
        [
          'linkPhysicalAddress',
          200,
          async (force) => send('PUT', `${B}/staging/backing?path=linked`, { json: await linkOf(force) }),
        ],
        [
          'copyObject',
          201,
          (force) => send('POST', `${B}/objects/copy?dest_path=c`, { json: { src_path: 'a', force } }),
        ],
        ['deleteObject', 204, (force) => send('DELETE', `${B}/objects?path=b&force=${force}`)],
        ['commit', 201, (force) => send('POST', `${B}/commits`, { json: { message: 'x', force } })],
        [
          'createBranch',
          201,
          (force) => send('POST', `${R}/branches`, { json: { name: 'work', source: 'main', force } }),
        ],
        ['resetBranch', 204, (force) => send('PUT', `${R}/branches/work`, { json: { type: 'reset', force } })],
        ['deleteBranch', 204, (force) => send('DELETE', `${R}/branches/work?force=${force}`)],
        ['createTag', 201, (force) => send('POST', `${R}/tags`, { json: { id: 'v1', ref: 'main', force } })],
        ['deleteTag', 204, (force) => send('DELETE', `${R}/tags/v1?force=${force}`)],
        ['deleteRepository', 204, (force) => send('DELETE', `${R}?force=${force}`)],
      ]

      it('refuse what has no force, and take metadata and protection rules as lakeFS does', async () => {
        const metadata = `${B}/objects/stat/user_metadata?path=a`
        refusal(await send('PUT', metadata, { json: { set: { a: 'b' } } }), 403, /^read-only repository$/)
        await ok(204, 'POST', `${R}/metadata`, { json: { metadata: { a: 'b' } } })
        await ok(204, 'DELETE', `${R}/metadata`, { json: { keys: ['a'] } })
        const rules = `${R}/settings/branch_protection`
        await ok(204, 'PUT', rules, { json: [{ pattern: 'main' }] })
        const upload = `${B}/objects?path=b&force=true`
        refusal(await send('POST', upload, { body: 'b' }), 403, /^cannot write to protected branch$/)
        await ok(204, 'PUT', rules, { json: [] })
      })

      it.each(changes)('refuse %s without force, and allow it with', async (_, status, change) => {
        refusal(await change(false), 403, /^read-only repository$/)
        const forced = await change(true)
        expect(forced.status, forced.bytes.toString()).toBe(status)
      })
    })

    describe('an end', () => {
      it('frees the name at once, and takes nothing from the storage', async () => {
        const name = uniqueName('end')
        expect((await create(name)).status).toBe(201)
        await ok(201, 'POST', `/repositories/${name}/branches/main/objects?path=a`, { body: 'a' })
        await ok(204, 'DELETE', `/repositories/${name}?force=true`)
        refusal(await send('GET', `/repositories/${name}`), 404, /^repository not found$/)
        refusal(await send('GET', `/repositories/${name}/branches`), 404, /^repository not found$/)
        refusal(await send('DELETE', `/repositories/${name}`), 404, /^repository not found$/)
        refusal(await create(name), 400, /storage namespace already in use/)
        expect((await create(name, { storage_namespace: `${storage.namespace}/${name}-2` })).status).toBe(201)
        expect((await ok(200, 'GET', `/repositories/${name}/refs/main/objects/ls`)).json.results).toEqual([])
      })
    })
  })
}
