/** Repositories: sample data, read-only ones, pages of them, their end; over HTTP only. */
import { describe, expect, it } from 'vitest'
import { expectShape } from '../support/contract.ts'
import { type Answer, type Call, call, type Target, uniqueName } from '../support/http.ts'

export interface RepositoriesStorage {
  readonly id: string
  /** A namespace under which nothing lies, without a trailing slash. */
  readonly namespace: string
}

const q = encodeURIComponent

function refusal(answer: Answer, status: number, text: RegExp): void {
  const { message } = answer.json ?? {}
  expect({ status: answer.status, message }).toEqual({ status, message: expect.stringMatching(text) })
  expectShape(answer, 'Error')
}

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
  })
}
