/** The log by path against what the changes of each commit say, over histories with merges, equal dates and clocks that go wrong. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tablesOf } from '../../src/catalog/catalog.ts'
import { type LogRequest, logCommits } from '../../src/catalog/log.ts'
import { commitTree } from '../../src/committed/commit-tree.ts'
import type { Db } from '../../src/db/db.ts'
import type { BranchName, Commit, CommitId, ObjectPath } from '../../src/model.ts'
import { createBranch } from '../../src/refs/branches.ts'
import { insertCommit } from '../../src/refs/commits.ts'
import { anybody, catalogOver, rangePolicy } from '../support/catalog.ts'
import { type Row, rowsCursor } from '../support/cursors.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, newRepository } from '../support/repository.ts'
import { sizedRecord } from '../support/table-records.ts'

const paths = [
  'a',
  'b/1',
  'b/2',
  'b/20',
  'c',
  ...Array.from({ length: 8 }, (_, n) => `d/${String(n).padStart(2, '0')}`),
]

/** One commit of a history: how far back its parents are, when it was made, and what it puts (a size) or removes (null). */
const step = fc.record({
  parent: fc.constantFrom(1, 1, 1, 2),
  other: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 4 }),
  seconds: fc.integer({ min: -1, max: 2 }),
  changes: fc.dictionary(fc.constantFrom(...paths), fc.option(fc.nat(2), { freq: 4 }), { maxKeys: 3 }),
})

type Content = ReadonlyMap<string, number>

function touchedBetween(before: Content, now: Content): string[] {
  return paths.filter((path) => before.get(path) !== now.get(path))
}

describeOnDatabases('the log of a ref', (db) => {
  test('by paths, in pages of every size, is what the changes of its commits say', async () => {
    const catalog = catalogOver(db())
    const met = { matches: 0, merges: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 8, maxLength: 25, size: 'max' }),
        fc.array(fc.constantFrom(...paths), { maxLength: 2 }),
        fc.array(fc.constantFrom('', 'b/', 'b/2', 'd/0', 'd', 'x'), { maxLength: 2 }),
        fc.boolean(),
        async (steps, objects, prefixes, firstParent) => {
          fc.pre(objects.length + prefixes.length > 0)
          const repository = await newRepository(db())
          const tables = tablesOf(catalog, repository)
          const commits: Commit[] = [repository.root]
          const contents: Content[] = [new Map()]
          const touched = new Map<CommitId, readonly string[]>()
          let seconds = repository.root.creationDate.seconds
          for (const { parent, other, changes, ...made } of steps) {
            const at = Math.max(0, commits.length - parent)
            const [base, before] = [commits[at] as Commit, contents[at] as Content]
            const second = other === null ? undefined : commits[commits.length - 1 - other]
            const parents = second === undefined || second === base ? [base.id] : [base.id, second.id]
            const rows = Object.entries(changes)
              .map(([path, size]): Row => [Buffer.from(path), size === null ? null : sizedRecord(size)])
              .sort(([a], [b]) => Buffer.compare(a, b))
            const changed = rowsCursor(rows)
            const { metaRangeId } = await commitTree({
              reader: tables,
              base: base.metaRangeId,
              changes: changed,
              policy: rangePolicy,
            })
            const now = new Map(before)
            for (const [path, size] of Object.entries(changes)) size === null ? now.delete(path) : now.set(path, size)
            seconds += made.seconds
            const generation = 1 + Math.max(base.generation, second?.generation ?? 0)
            const commit = fakeCommit({ parents, metaRangeId, creationDate: { seconds, nanos: 0 }, generation })
            await insertCommit(db(), repository.uid, commit)
            commits.push(commit)
            contents.push(now)
            touched.set(commit.id, parents.length === 1 ? touchedBetween(before, now) : [])
            if (parents.length > 1) met.merges++
          }
          await createBranch(db(), repository.uid, 'tip' as BranchName, (commits.at(-1) as Commit).id)
          const ask = (after: string, amount: number, filtered: boolean, limited = false) =>
            logCommits(catalog, anybody, repository.name, 'tip', {
              amount,
              after,
              firstParent,
              sinceSeconds: null,
              stopAt: '',
              limited,
              paths: filtered
                ? {
                    objects: objects.map((path) => Buffer.from(path) as ObjectPath),
                    prefixes: prefixes.map((prefix) => Buffer.from(prefix)),
                  }
                : null,
            })
          const whole = await ask('', 1000, false)
          const wanted = whole.items
            .filter(({ id }) =>
              (touched.get(id) ?? []).some(
                (path) => objects.includes(path) || prefixes.some((prefix) => path.startsWith(prefix)),
              ),
            )
            .map(({ id }) => id)
          met.matches += wanted.length
          for (const amount of [1, 2, 3, 1000]) {
            const found: string[] = []
            for (let after = '', more = true; more; ) {
              const page = await ask(after, amount, true)
              expect(page.items.length).toBeLessThanOrEqual(amount)
              expect(page.hasMore && page.items.length === 0).toBe(false)
              found.push(...page.items.map(({ id }) => id))
              after = page.nextOffset
              more = page.hasMore
            }
            expect(found).toEqual(wanted)
          }
          const limited = await ask('', 2, true, true)
          expect([limited.items.map(({ id }) => id), limited.hasMore]).toEqual([wanted.slice(0, 2), false])
        },
      ),
      { numRuns: 40 },
    )
    expect(met.matches).toBeGreaterThan(50)
    expect(met.merges).toBeGreaterThan(25)
  })

  test('behind a commit far down a line costs what the first page costs; below a merge it is found by walking', async () => {
    const repository = await newRepository(db())
    const merges = new Set([150, 500])
    const chain: Commit[] = [repository.root]
    for (let n = 1; n <= 600; n++) {
      const parents = [chain[n - 1]?.id, ...(merges.has(n) ? [chain[n - 3]?.id] : [])] as CommitId[]
      const creationDate = { seconds: 1_700_000_000 + n, nanos: 0 }
      const commit = fakeCommit({ parents, creationDate, generation: n + 1 })
      await insertCommit(db(), repository.uid, commit)
      chain.push(commit)
    }
    const id = (n: number) => (chain[n] as Commit).id
    const page = async (fields: Partial<LogRequest>) => {
      let statements = 0
      const run: Db['run'] = (statement, params) => {
        statements++
        return db().run(statement, params)
      }
      const everything = { firstParent: false, sinceSeconds: null, stopAt: '', limited: true, paths: null }
      const request = { ...everything, amount: 3, after: '', ...fields }
      const { items } = await logCommits(catalogOver({ ...db(), run }), anybody, repository.name, id(600), request)
      return { ids: items.map((commit) => commit.id), statements }
    }
    const follows = (n: number) => [id(n - 1), id(n - 2), id(n - 3)]
    // The ref, both commits, whether there are merges above, ancestors.
    expect(await page({ after: id(590) })).toEqual({ ids: follows(590), statements: 4 })
    expect(await page({ after: id(500), stopAt: id(400) })).toEqual({ ids: follows(500), statements: 5 })
    expect(await page({ after: id(50), firstParent: true })).toEqual({ ids: follows(50), statements: 3 })
    const walked = await page({ after: id(50) })
    expect(walked.ids).toEqual(follows(50))
    expect(walked.statements).toBeGreaterThan(4)
    expect(await page({ after: 'f'.repeat(64) })).toMatchObject({ ids: [] })
    expect(await page({ after: id(300), stopAt: id(400) })).toMatchObject({ ids: [] })
  })
})
