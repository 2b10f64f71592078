/** A branch that is compacted all the time, over HTTP only: nobody can tell. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectShape } from '../support/contract.ts'
import { type Call, call, type Target, uniqueName } from '../support/http.ts'

/** `tables`: how many ranges and metaranges lie in the storage; grows without a commit when something was compacted. */
export function describeCompaction(
  server: () => Target,
  storage: { readonly id: string; readonly namespace: string; readonly tables: (repository: string) => number },
): void {
  describe('a server that compacts early', () => {
    const name = uniqueName('compacted')
    const R = `/repositories/${name}`
    const send = (method: string, path: string, options?: Call) => call(server(), method, path, options)
    const paths = Array.from({ length: 60 }, (_, n) => `d${n % 3}/${String(n).padStart(2, '0')}`).sort()
    const gone = paths.filter((_, n) => n % 6 !== 0)
    const kept = paths.filter((_, n) => n % 6 === 0)

    async function put(path: string, data: string): Promise<void> {
      const answer = await send('POST', `${R}/branches/main/objects?path=${path}`, { body: data })
      expect(answer.status, answer.bytes.toString()).toBe(201)
    }
    async function remove(removed: readonly string[]): Promise<void> {
      const answer = await send('POST', `${R}/branches/main/objects/delete`, { json: { paths: removed } })
      expect({ status: answer.status, body: answer.json }).toEqual({ status: 200, body: { errors: [] } })
    }
    async function commit(): Promise<void> {
      const answer = await send('POST', `${R}/branches/main/commits`, { json: { message: 'x' } })
      expect(answer.status, answer.bytes.toString()).toBe(201)
    }
    /** Pages of seven; none that says there is more is empty. */
    async function list(query = '', what = 'refs/main/objects/ls'): Promise<string[]> {
      const found: string[] = []
      for (let after = ''; ; ) {
        const answer = await send('GET', `${R}/${what}?amount=7&after=${encodeURIComponent(after)}&${query}`)
        expect(answer.status, answer.bytes.toString()).toBe(200)
        found.push(...answer.json.results.map(({ path }: { path: string }) => path))
        if (!answer.json.pagination.has_more) return found
        expect(answer.json.results.length).toBeGreaterThan(0)
        after = answer.json.pagination.next_offset
      }
    }
    const diff = () => list('', 'branches/main/diff')
    async function untilCompacted(before: number): Promise<void> {
      await expect.poll(() => storage.tables(name), { timeout: 20_000 }).toBeGreaterThan(before)
    }

    beforeAll(async () => {
      const created = await send('POST', '/repositories', {
        json: { name, storage_id: storage.id, storage_namespace: `${storage.namespace}/${name}` },
      })
      expect(created.status, created.bytes.toString()).toBe(201)
      for (const path of paths) await put(path, path)
      await commit()
    })

    it('shows and counts as uncommitted what it showed before, and resets it', async () => {
      const before = storage.tables(name)
      await remove(gone)
      await untilCompacted(before)
      await put('d1/new', 'new')
      expect(await list()).toEqual([...kept, 'd1/new'].sort())
      expect(await list('delimiter=/')).toEqual(['d0/', 'd1/', 'd2/'])
      expect(await diff()).toEqual([...gone, 'd1/new'].sort())
      expect((await send('GET', `${R}/refs/main/objects/stat?path=${gone[0]}`)).status).toBe(404)
      expect((await send('GET', `${R}/refs/main/objects/stat?path=${kept[0]}`)).status).toBe(200)
      const one = await send('PUT', `${R}/branches/main`, { json: { type: 'object', path: gone[0] } })
      expect(one.status, one.bytes.toString()).toBe(204)
      const prefix = await send('PUT', `${R}/branches/main`, { json: { type: 'common_prefix', path: 'd2/' } })
      expect(prefix.status, prefix.bytes.toString()).toBe(204)
      expect(await diff()).toEqual([...gone.slice(1).filter((path) => !path.startsWith('d2/')), 'd1/new'].sort())
      expect((await send('PUT', `${R}/branches/main`, { json: { type: 'reset' } })).status).toBe(204)
      expect(await diff()).toEqual([])
      expect(await list()).toEqual(paths)
      const none = await send('POST', `${R}/branches/main/commits`, { json: { message: 'none' } })
      expect([none.status, none.json.message]).toEqual([400, 'commit: no changes'])
      expectShape(none, 'Error')
    })

    it('commits what was compacted, with what was written since', async () => {
      const before = storage.tables(name)
      // Other deletions than before: what was a tree already would give the tables that are there.
      const [first = ''] = paths
      await remove(paths.slice(0, 45))
      await untilCompacted(before)
      await put(first, 'again')
      await commit()
      const expected = [first, ...paths.slice(45)]
      expect(await list()).toEqual(expected)
      expect(await list('', 'refs/main@/objects/ls')).toEqual(expected)
      expect(await list('', 'refs/main~1/objects/ls')).toEqual(paths)
      expect(await diff()).toEqual([])
    })
  })
}
