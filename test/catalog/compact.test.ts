import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { commit } from '../../src/catalog/commits.ts'
import { compactBranch } from '../../src/catalog/compact.ts'
import { deleteObjects } from '../../src/catalog/delete-objects.ts'
import { diffBranch } from '../../src/catalog/diff.ts'
import { listObjects, statObject } from '../../src/catalog/entries.ts'
import { stageObject } from '../../src/catalog/external-objects.ts'
import { resetBranch } from '../../src/catalog/reset.ts'
import { deleteObject } from '../../src/catalog/write-objects.ts'
import type { Db } from '../../src/db/db.ts'
import { isDomainError } from '../../src/errors.ts'
import type { BranchName } from '../../src/model.ts'
import { claimCompaction, publishCompacted, releaseCompaction, renewCompaction } from '../../src/staging/compact.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { anybody, catalogOver } from '../support/catalog.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { hexId, newRepository } from '../support/repository.ts'

type Target = Awaited<ReturnType<typeof newRepository>>
type Content = ReadonlyMap<string, number>

const options = { leaseMs: 60_000 }
const bytewise = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right))

/** The verbs of one branch, by words. */
function verbs(catalog: Catalog, { name, namespace, ...repository }: Target) {
  const at = (path: string) => ({ repository: name, branch: 'main', path: Buffer.from(path), force: false })
  const listing = (prefix: string, delimiter: string, after: string, amount: number) => ({
    prefix: Buffer.from(prefix),
    delimiter: Buffer.from(delimiter),
    after: Buffer.from(after),
    amount,
  })
  return {
    put: (path: string, sizeBytes: number) =>
      stageObject(catalog, anybody, {
        ...at(path),
        physicalAddress: `${namespace}/data/${path}-${sizeBytes}-${Math.random()}`,
        checksum: String(sizeBytes),
        sizeBytes,
        mtimeSeconds: 1,
        metadata: {},
        contentType: null,
      }),
    remove: (path: string) => deleteObject(catalog, anybody, at(path)),
    removeMany: (paths: readonly string[]) =>
      deleteObjects(catalog, anybody, { ...at(''), paths: paths.map((path) => Buffer.from(path)) }),
    /** False: there was nothing to commit. */
    async commit() {
      try {
        const request = {
          message: '',
          metadata: {},
          committer: '',
          dateSeconds: null,
          sourceTree: null,
          allowEmpty: false,
          force: false,
        }
        await commit(catalog, anybody, { ...request, repository: name, branch: 'main' })
        return true
      } catch (error) {
        if (isDomainError(error, 'no_changes')) return false
        throw error
      }
    },
    /** What a commit leaves that dies before it publishes. */
    failCommit: () => sealBranch(catalog.db, repository.uid, repository.main),
    compact: () => compactBranch(catalog, { ...repository, name, namespace }, repository.main, options),
    reset: (scope: Parameters<typeof resetBranch>[2]['scope']) =>
      resetBranch(catalog, anybody, { repository: name, branch: 'main', scope, force: false }),
    async stat(path: string) {
      try {
        return (await statObject(catalog, anybody, name, 'main', Buffer.from(path))).entry.sizeBytes
      } catch (error) {
        if (isDomainError(error, 'entry_not_found')) return undefined
        throw error
      }
    },
    /** All pages; every page but an only one has something. */
    async list(prefix = '', delimiter = '', amount = 1000, ref = 'main') {
      const lines: string[] = []
      for (let after = ''; ; ) {
        const page = await listObjects(catalog, anybody, name, ref, listing(prefix, delimiter, after, amount))
        for (const item of page.items)
          lines.push('commonPrefix' in item ? item.commonPrefix.toString() : `${item.path} ${item.entry.sizeBytes}`)
        if (!page.hasMore) return lines
        expect(page.items.length).toBeGreaterThan(0)
        after = page.nextOffset
      }
    },
    async diff(prefix = '', delimiter = '') {
      const page = await diffBranch(catalog, anybody, name, 'main', listing(prefix, delimiter, '', 1000))
      return page.items.map((item) =>
        'commonPrefix' in item ? item.commonPrefix.toString() : `${item.type} ${item.path}`,
      )
    },
  }
}

async function branchRow(db: Db, { uid }: Target) {
  const text = `SELECT cardinality(sealed)::int4 AS sealed, base_metarange, commit_id FROM refs WHERE repo_uid = $1::uuid AND name = 'main'`
  const [row] = await db.run<{ sealed: number; base_metarange: string | null; commit_id: string }>({ name: '', text }, [
    uid,
  ])
  if (row === undefined) throw new Error('the branch is gone')
  return row
}

async function countRows(db: Db, table: 'trees' | 'events', { uid }: Target): Promise<number> {
  const text = `SELECT count(*)::int4 AS count FROM ${table} WHERE repo_uid = $1::uuid`
  return (await db.run<{ count: number }>({ name: '', text }, [uid]))[0]?.count ?? -1
}

function expectedList(content: Content, prefix: string, delimiter: string): string[] {
  const lines = new Set<string>()
  for (const path of [...content.keys()].sort(bytewise)) {
    if (!path.startsWith(prefix)) continue
    const cut = delimiter === '' ? -1 : path.indexOf(delimiter, prefix.length)
    lines.add(cut < 0 ? `${path} ${content.get(path)}` : path.slice(0, cut + delimiter.length))
  }
  return [...lines]
}

function expectedDiff(head: Content, now: Content): string[] {
  const lines: string[] = []
  for (const path of [...new Set([...head.keys(), ...now.keys()])].sort(bytewise)) {
    const [before, after] = [head.get(path), now.get(path)]
    if (before !== after)
      lines.push(`${before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'} ${path}`)
  }
  return lines
}

describeOnDatabases('compaction', (db) => {
  test('leaves what clients see, and puts a tree in the place of the rows', async () => {
    const target = await newRepository(db())
    const branch = verbs(catalogOver(db()), target)
    for (const path of ['a', 'b', 'c']) await branch.put(path, 1)
    expect(await branch.commit()).toBe(true)
    await branch.put('a', 2)
    await branch.failCommit()
    await branch.remove('b')
    const [list, diff] = [await branch.list(), await branch.diff()]
    const events = await countRows(db(), 'events', target)
    const before = await branchRow(db(), target)
    expect(await branch.compact()).toBe(true)
    expect(await branchRow(db(), target)).toEqual({
      sealed: 0,
      base_metarange: expect.stringMatching(/^[0-9a-f]{64}$/),
      commit_id: before.commit_id,
    })
    expect([await branch.list(), await branch.diff()]).toEqual([list, diff])
    expect(diff).toEqual(['changed a', 'removed b'])
    expect(await countRows(db(), 'events', target)).toBe(events)
    expect(await countRows(db(), 'trees', target)).toBe(0)
    // Nothing staged: the token stays.
    expect(await branch.compact()).toBe(true)
    expect(await branch.commit()).toBe(true)
    expect(await branch.list('', '', 1000, 'main@')).toEqual(list)
    expect(await branchRow(db(), target)).toMatchObject({ sealed: 0, base_metarange: null })
  })

  test('that leads back to the head leaves nothing uncommitted', async () => {
    const target = await newRepository(db())
    const branch = verbs(catalogOver(db()), target)
    await branch.put('a', 1)
    await branch.compact()
    await branch.remove('a')
    expect(await branch.diff()).toEqual([])
    expect(await branch.commit()).toBe(false)
    await branch.put('a', 1)
    await branch.commit()
    await branch.put('a', 2)
    await branch.compact()
    await branch.put('a', 1)
    await branch.compact()
    expect(await branchRow(db(), target)).toMatchObject({ sealed: 0, base_metarange: null })
    expect(await branch.commit()).toBe(false)
  })

  test('is done by one server at a time, and a lost lease publishes nothing', async () => {
    const target = await newRepository(db())
    const branch = verbs(catalogOver(db()), target)
    await branch.put('a', 1)
    const lease = await claimCompaction(db(), target.uid, target.main, 60_000)
    if (lease === null) throw new Error('nobody else has it')
    expect(await branch.compact()).toBe(false)
    expect(await claimCompaction(db(), target.uid, 'other' as BranchName, 60_000)).not.toBeNull()
    const stolen = await claimCompaction(db(), target.uid, target.main, -1)
    if (stolen === null) throw new Error('the lease was over')
    const sealed = await sealBranch(db(), target.uid, target.main)
    expect(await renewCompaction(db(), lease)).toBeNull()
    expect(await publishCompacted(db(), sealed, hexId('tree'), lease)).toBe(false)
    await releaseCompaction(db(), lease)
    expect(await claimCompaction(db(), target.uid, target.main, 60_000)).toBeNull()
    const renewed = await renewCompaction(db(), stolen)
    if (renewed === null) throw new Error('nobody took it')
    expect(await publishCompacted(db(), sealed, hexId('tree'), renewed)).toBe(true)
    await releaseCompaction(db(), renewed)
    expect(await claimCompaction(db(), target.uid, target.main, 60_000)).not.toBeNull()
  })

  test.each<[string, string]>([
    ['the head moved', `commit_id = '${hexId('elsewhere')}'`],
    ['its tokens went', `sealed = '{}'`],
    ['another tree came', `base_metarange = 'other'`],
    ['it was reset', 'reset_seq = reset_seq + 1'],
  ])('is not published when %s', async (_, change) => {
    const target = await newRepository(db())
    await verbs(catalogOver(db()), target).put('a', 1)
    const lease = await claimCompaction(db(), target.uid, target.main, 60_000)
    if (lease === null) throw new Error('nobody else has it')
    const sealed = await sealBranch(db(), target.uid, target.main)
    await db().run({ name: '', text: `UPDATE refs SET ${change} WHERE repo_uid = $1::uuid` }, [target.uid])
    expect(await publishCompacted(db(), sealed, hexId('tree'), lease)).toBe(false)
  })

  test('ends at the next table when the server stops', async () => {
    const target = await newRepository(db())
    const catalog = catalogOver(db())
    const branch = verbs(catalog, target)
    await branch.put('a', 1)
    const signal = AbortSignal.abort()
    expect(await compactBranch(catalog, target, target.main, { ...options, signal })).toBe(false)
    expect(await branchRow(db(), target)).toMatchObject({ sealed: 1, base_metarange: null })
    expect(await branch.compact()).toBe(true)
  })

  test('among any other operations it changes nothing that anybody sees', { timeout: 300_000 }, async () => {
    const paths = ['a', 'd/1', 'd/2', 'd/e/1', 'd/e/2', 'd0', 'f/1', 'g']
    const path = fc.constantFrom(...paths)
    const prefix = fc.constantFrom('d', 'd/', 'd/e/', 'f/', '')
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('put' as const), path, size: fc.integer({ min: 1, max: 3 }) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('remove' as const), path }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('removeAll' as const), prefix }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('failCommit' as const) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('resetPath' as const), path }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('resetPrefix' as const), prefix }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('resetAll' as const) }) },
    )
    const run = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
      const target = await newRepository(db())
      const branch = verbs(catalogOver(db()), target)
      let head = new Map<string, number>()
      let now = new Map<string, number>()
      const restore = (taken: (path: string) => boolean) => {
        for (const path of paths.filter(taken)) {
          const committed = head.get(path)
          if (committed === undefined) now.delete(path)
          else now.set(path, committed)
        }
      }
      for (const taken of steps) {
        if (taken.do === 'put') {
          await branch.put(taken.path, taken.size)
          now.set(taken.path, taken.size)
        } else if (taken.do === 'remove') {
          await branch.remove(taken.path)
          now.delete(taken.path)
        } else if (taken.do === 'removeAll') {
          const gone = paths.filter((path) => path.startsWith(taken.prefix))
          expect(await branch.removeMany(gone)).toEqual([])
          for (const path of gone) now.delete(path)
        } else if (taken.do === 'commit') {
          expect(await branch.commit()).toBe(expectedDiff(head, now).length > 0)
          head = new Map(now)
        } else if (taken.do === 'failCommit') await branch.failCommit()
        else if (taken.do === 'compact') expect(await branch.compact()).toBe(true)
        else if (taken.do === 'resetPath') {
          await branch.reset({ type: 'object', path: Buffer.from(taken.path) })
          restore((path) => path === taken.path)
        } else if (taken.do === 'resetPrefix') {
          await branch.reset({ type: 'prefix', prefix: Buffer.from(taken.prefix) })
          restore((path) => path.startsWith(taken.prefix))
        } else {
          await branch.reset({ type: 'all' })
          now = new Map(head)
        }
        expect(await branch.list('', '', 3), JSON.stringify(taken)).toEqual(expectedList(now, '', ''))
        expect(await branch.diff()).toEqual(expectedDiff(head, now))
      }
      for (const listed of ['', 'd', 'd/', 'd/e'])
        for (const amount of [1, 1000])
          expect(await branch.list(listed, '/', amount)).toEqual(expectedList(now, listed, '/'))
      for (const path of paths) expect(await branch.stat(path)).toBe(now.get(path))
      expect(await branch.list('', '', 1000, 'main@')).toEqual(expectedList(head, '', ''))
    })
    await fc.assert(run, { numRuns: Number(process.env.COMPACT_RUNS ?? 30) })
  })
})
