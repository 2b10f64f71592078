import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import type {
  BranchName,
  Commit,
  CommitId,
  MetaRangeId,
  RefExpression,
  Repository,
  RepositoryName,
  RepositoryUid,
  TagName,
} from '../../src/model.ts'
import { createBranch } from '../../src/refs/branches.ts'
import { createCommitCache, getCommit, insertCommit } from '../../src/refs/commits.ts'
import { logCommits } from '../../src/refs/log.ts'
import { requireCommit, resolvePage, resolvePath, resolveRef } from '../../src/refs/resolve.ts'
import { createTag } from '../../src/refs/tags.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, hexId, newRepository } from '../support/repository.ts'

const seed = Date.now() % 2 ** 31
console.log(`test/refs/resolve.test.ts: seed ${seed}`)

function counting(db: Db): { db: Db; statements(): number } {
  let count = 0
  const run: Db['run'] = (statement, params) => {
    count++
    return db.run(statement, params)
  }
  return { db: { ...db, run }, statements: () => count }
}

/** A commit per entry, its parents given by index, with ids and dates from the entry. */
async function commitGraph(
  db: Db,
  uid: RepositoryUid,
  nodes: readonly { parents: readonly number[]; seconds: number; nanos?: number }[],
  salt: string,
): Promise<Commit[]> {
  const ids = nodes.map((_, n) => hexId<CommitId>(`${salt}/${n}`))
  const commits = nodes.map(({ parents, seconds, nanos = 0 }, n) =>
    fakeCommit({
      id: ids[n] ?? hexId(n),
      parents: parents.map((at) => ids[at] ?? hexId(at)),
      creationDate: { seconds, nanos },
      metaRangeId: hexId<MetaRangeId>(`${salt} tree ${n}`),
    }),
  )
  for (const commit of commits) await insertCommit(db, uid, commit)
  return commits
}

describeOnDatabases('resolve', (db) => {
  async function setUp() {
    const target = await newRepository(db())
    // 0 <- 1 <- 3 (merge of 1 and 2) ; 0 <- 2
    const graph = await commitGraph(
      db(),
      target.uid,
      [
        { parents: [], seconds: 1 },
        { parents: [0], seconds: 2 },
        { parents: [0], seconds: 3 },
        { parents: [1, 2], seconds: 4 },
      ],
      target.uid,
    )
    const [zero, one, two, three] = graph
    if (!zero || !one || !two || !three) throw new Error('four commits')
    await createBranch(db(), target.uid, 'dev' as BranchName, three.id, { hidden: true })
    await createTag(db(), target.uid, 'v1' as TagName, one.id)
    const cache = createCommitCache()
    const resolve = (text: string, over: Db = db()) => resolveRef(over, cache, target.name, text as RefExpression)
    return { target, graph: { zero, one, two, three }, cache, resolve }
  }
  const brief = ({ kind, commitId, metaRangeId, tokens }: Awaited<ReturnType<typeof resolveRef>>) => ({
    kind,
    commitId,
    metaRangeId,
    tokens: tokens.length,
  })

  test('every form of an expression', async () => {
    const { target, graph, resolve } = await setUp()
    const at = (kind: string, commit: Commit, tokens = 0) => ({
      kind,
      commitId: commit.id,
      metaRangeId: commit.metaRangeId,
      tokens,
    })
    const { zero, one, two, three } = graph
    const expectations: [string, ReturnType<typeof at>][] = [
      ['dev', at('branch', three, 1)],
      ['dev$', at('branch', three, 1)],
      ['dev@', at('branch', three)],
      ['v1', at('tag', one)],
      [three.id, at('commit', three)],
      [two.id.slice(0, 20), at('commit', two)],
      ['dev~', at('commit', one)],
      ['dev~0', at('commit', three)],
      ['dev^0', at('commit', three)],
      ['dev^2', at('commit', two)],
      ['dev^2~1', at('commit', zero)],
      ['dev~2', at('commit', zero)],
      ['v1~', at('commit', zero)],
      [`${three.id}^`, at('commit', one)],
      [`${two.id.slice(0, 30)}^1`, at('commit', zero)],
    ]
    for (const [text, expected] of expectations) expect(brief(await resolve(text)), text).toEqual(expected)
    const { uid, name, storageId, homeStorageId, namespace, defaultBranch, createdAtSeconds, readOnly } = target
    expect(await resolve('dev$')).toMatchObject({
      repository: {
        uid,
        name,
        storageId,
        homeStorageId,
        namespace,
        defaultBranch,
        createdAtSeconds,
        readOnly,
        protectedBranches: [],
      } satisfies Repository,
      versions: { auth: 1, storage: 1 },
      branch: { name: 'dev', hidden: true, view: '$' },
    })
  })

  test.each([
    ['none', 'ref_not_found'],
    ['none@', 'ref_not_found'],
    ['none~1', 'ref_not_found'],
    ['0123456789', 'ref_not_found'],
    ['f'.repeat(64), 'ref_not_found'],
    ['dev~3', 'ref_not_found'],
    ['dev~99999', 'ref_not_found'],
    ['dev^3', 'invalid_ref'],
    ['v1@', 'invalid_ref'],
    ['v1$', 'invalid_ref'],
    ['dev~x', 'invalid_ref'],
    ['a\0', 'invalid_argument'],
  ])('%j is %s', async (text, code) => {
    const { resolve } = await setUp()
    await expect(resolve(text)).rejects.toMatchObject({ code })
  })

  test('an ambiguous prefix and a commit with @ are refused; a full id wins over a branch of that name', async () => {
    const { target, graph, resolve } = await setUp()
    await expect(resolve(`${graph.one.id}@`)).rejects.toMatchObject({ code: 'invalid_ref' })
    await expect(resolve(`${graph.one.id.slice(0, 9)}$`)).rejects.toMatchObject({ code: 'invalid_ref' })
    const twins = ['0', '1'].map((last) => `${'ab'.repeat(20)}${last.repeat(24)}` as CommitId)
    await createBranch(db(), target.uid, twins[0] as never, graph.one.id)
    expect((await resolve(twins[0] ?? '')).kind).toBe('branch')
    for (const id of twins) await insertCommit(db(), target.uid, fakeCommit({ id }))
    await expect(resolve('ab'.repeat(20))).rejects.toMatchObject({ code: 'ref_not_found' })
    expect((await resolve(`${'ab'.repeat(20)}1`)).commitId).toBe(twins[1])
    expect(brief(await resolve(twins[0] ?? ''))).toMatchObject({ kind: 'commit', commitId: twins[0], tokens: 0 })
    await expect(
      resolveRef(db(), createCommitCache(), 'no-such' as RepositoryName, 'main' as RefExpression),
    ).rejects.toMatchObject({ code: 'repository_not_found' })
  })

  test('one statement for names and full ids, two for prefixes, few for long walks', async () => {
    const { target, graph, resolve } = await setUp()
    const chain = await commitGraph(
      db(),
      target.uid,
      Array.from({ length: 600 }, (_, n) => ({ parents: n === 0 ? [] : [n - 1], seconds: n })),
      `${target.uid} chain`,
    )
    await createBranch(db(), target.uid, 'long' as BranchName, chain.at(-1)?.id ?? graph.one.id)
    const cost = async (text: string) => {
      const counted = counting(db())
      await resolve(text, counted.db)
      return counted.statements()
    }
    expect([
      await cost('dev'),
      await cost('v1'),
      await cost(graph.two.id),
      await cost(graph.two.id.slice(0, 9)),
    ]).toEqual([1, 1, 1, 2])
    expect(await cost('long~599')).toBeLessThan(8)
    expect(await cost('long~599')).toBe(1)
    expect((await resolve('long~599')).commitId).toBe(chain[0]?.id)
  })

  test('staging: tokens newest first, the compacted tree under them, none of it in committed views', async () => {
    const { target, graph, resolve } = await setUp()
    const dev = 'dev' as BranchName
    await stageRows(db(), target.uid, dev, [
      { path: Buffer.from('a'), value: Buffer.from('old') },
      { path: Buffer.from('b'), value: Buffer.from('b') },
    ])
    const { tokens } = await sealBranch(db(), target.uid, dev)
    await stageRows(db(), target.uid, dev, [{ path: Buffer.from('a'), value: null }])
    await db().run(
      { name: '', text: `UPDATE refs SET base_metarange = 'compacted' WHERE repo_uid = $1::uuid AND name = 'dev'` },
      [target.uid],
    )
    const ref = await resolve('dev')
    expect(ref.tokens.slice(1)).toEqual(tokens)
    expect([ref.metaRangeId, ref.commitMetaRangeId]).toEqual(['compacted', graph.three.metaRangeId])
    expect((await resolve('dev@')).metaRangeId).toBe(graph.three.metaRangeId)
    expect(requireCommit(ref)).toBe(graph.three.id)
    const explicit = await resolve('dev$')
    expect(() => requireCommit(explicit)).toThrow('reference to staging area with $ is not a commit')

    const cache = createCommitCache()
    const stagedAt = async (text: string, path: string) =>
      (await resolvePath(db(), cache, target.name, text as RefExpression, Buffer.from(path))).staged
    expect(await stagedAt('dev', 'a')).toBe(null)
    expect(await stagedAt('dev', 'b')).toEqual(Buffer.from('b'))
    expect(await stagedAt('dev', 'c')).toBe(undefined)
    for (const text of ['dev@', 'v1', graph.three.id, 'dev~0']) expect(await stagedAt(text, 'a'), text).toBe(undefined)
    await expect(stagedAt('none', 'a')).rejects.toMatchObject({ code: 'ref_not_found' })

    for (const limit of [1, 2, 10]) {
      const range = { start: Buffer.from('a'), end: Buffer.from('c'), limit }
      const counted = counting(db())
      const page = await resolvePage(counted.db, cache, target.name, 'dev' as RefExpression, range)
      expect(counted.statements()).toBe(1)
      expect(page.ref).toEqual(ref)
      const cursor = stagedCursor(counted.db, page.ref.tokens, {
        start: range.start,
        end: range.end,
        firstPage: page.firstPage,
      })
      const rows: [string, string | null][] = []
      while (await cursor.next()) rows.push([cursor.key.toString(), cursor.value?.toString() ?? null])
      expect(rows).toEqual([
        ['a', null],
        ['b', 'b'],
      ])
      if (limit === 10) expect(counted.statements()).toBe(1)
    }
    const committed = await resolvePage(db(), cache, target.name, 'v1' as RefExpression, {
      start: Buffer.alloc(0),
      end: null,
      limit: 5,
    })
    expect([committed.ref.kind, committed.firstPage.rows]).toEqual(['tag', []])
  })
})

describeOnDatabases('log', (db) => {
  /** Node n has parents among the nodes before it; few dates, so that ties and parents dated later than children occur. */
  const graphs = fc
    .array(
      fc.record({
        parents: fc.array(fc.nat(1000), { maxLength: 3 }),
        seconds: fc.integer({ min: -3, max: 3 }),
        nanos: fc.constantFrom(0, 1, 999_999_999),
      }),
      { minLength: 1, maxLength: 25 },
    )
    .map((nodes) =>
      nodes.map((node, n) => ({
        ...node,
        parents: n === 0 ? [] : [...new Set(node.parents.map((parent) => parent % n))],
      })),
    )

  /** The definition: of all known commits take the first, then know its parents. */
  function naive(commits: readonly Commit[], start: Commit, firstParent: boolean, since: number): CommitId[] {
    const known = new Set([start])
    const given: Commit[] = []
    for (;;) {
      const waiting = [...known].filter((commit) => !given.includes(commit) && commit.creationDate.seconds >= since)
      const key = (commit: Commit) =>
        BigInt(commit.creationDate.seconds) * 1_000_000_000n + BigInt(commit.creationDate.nanos)
      const [next] = waiting.sort((a, b) => (key(a) === key(b) ? (a.id > b.id ? -1 : 1) : key(a) > key(b) ? -1 : 1))
      if (next === undefined) return given.map(({ id }) => id)
      given.push(next)
      for (const parent of firstParent ? next.parents.slice(0, 1) : next.parents) {
        const found = commits.find(({ id }) => id === parent)
        if (found !== undefined) known.add(found)
      }
    }
  }

  test('is lakeFS’s order on any history', async () => {
    const { uid } = await newRepository(db())
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        graphs,
        fc.boolean(),
        fc.integer({ min: -4, max: 2 }),
        fc.nat(30),
        fc.nat(24),
        async (nodes, firstParent, since, limit, stop) => {
          const commits = await commitGraph(db(), uid, nodes, `${uid} ${run++}`)
          const start = commits.at(-1)
          const stopAt = commits[stop]?.id
          if (start === undefined) return
          const expected = naive(commits, start, firstParent, since)
          const ids = async (options: object) => {
            const log: CommitId[] = []
            for await (const commit of logCommits(db(), createCommitCache(), uid, start.id, {
              firstParent,
              since: { seconds: since, nanos: 0 },
              ...options,
            }))
              log.push(commit.id)
            return log
          }
          expect(await ids({})).toEqual(expected)
          expect(await ids({ limit })).toEqual(expected.slice(0, limit))
          if (stopAt !== undefined && expected.includes(stopAt))
            expect(await ids({ stopAt })).toEqual(expected.slice(0, expected.indexOf(stopAt) + 1))
        },
      ),
      { seed, numRuns: 40 },
    )
  })

  test('a page of 100 costs one statement, the next ones from the cache', async () => {
    const { uid } = await newRepository(db())
    const chain = await commitGraph(
      db(),
      uid,
      Array.from({ length: 300 }, (_, n) => ({ parents: n === 0 ? [] : n > 5 ? [n - 1, n - 5] : [n - 1], seconds: n })),
      `${uid} page`,
    )
    const cache = createCommitCache()
    const counted = counting(db())
    const read = async (limit: number) => {
      let count = 0
      for await (const _ of logCommits(counted.db, cache, uid, chain.at(-1)?.id ?? hexId(0), { limit })) count++
      return count
    }
    expect(await read(100)).toBe(100)
    expect(counted.statements()).toBe(1)
    expect(await read(300)).toBe(300)
    expect(counted.statements()).toBeLessThan(6)
  })

  test('records come back as they were written; the cache is bounded and keyed by repository', async () => {
    const [one, two] = [await newRepository(db()), await newRepository(db())]
    const commit = fakeCommit({
      committer: '',
      message: 'ü\n"',
      metadata: { z: '1', 'a b': '{"x":[]}', '': '' },
      parents: [hexId(1), hexId(2)],
      creationDate: { seconds: -62135596800, nanos: 999_999_999 },
      version: 0,
      generation: 7,
    })
    await insertCommit(db(), one.uid, commit)
    expect(await getCommit(db(), createCommitCache(), one.uid, commit.id)).toEqual(commit)
    const cache = createCommitCache(5000)
    cache.add(one.uid, commit)
    expect(cache.get(one.uid, commit.id)).toBe(commit)
    await expect(getCommit(db(), cache, two.uid, commit.id)).rejects.toMatchObject({ code: 'commit_not_found' })
    for (let n = 0; n < 20; n++) cache.add(one.uid, fakeCommit())
    expect(cache.get(one.uid, commit.id)).toBe(undefined)
  })
})
