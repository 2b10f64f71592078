import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Db, HotStatement, Queries } from '../../src/db/db.ts'
import { plannerSettingsSql } from '../../src/db/planner.ts'
import type { BranchName, MetaRangeId, RefExpression, StagingToken, TagName } from '../../src/model.ts'
import { createBranch, deleteBranch, getBranch, listBranches } from '../../src/refs/branches.ts'
import { createCommitCache, getCommits, hasMergeAbove } from '../../src/refs/commits.ts'
import {
  deleteRepository,
  getRepository,
  getRepositoryByUid,
  setProtectedBranches,
} from '../../src/refs/repositories.ts'
import { resolvePage, resolvePath, resolvePaths, resolveRef } from '../../src/refs/resolve.ts'
import { createTag, getTag, listTags } from '../../src/refs/tags.ts'
import {
  claimCompaction,
  firstPlace,
  publishCompacted,
  releaseCompaction,
  renewCompaction,
  stagingLoad,
  surveySealed,
} from '../../src/staging/compact.ts'
import { stageIf } from '../../src/staging/conditional.ts'
import { publishCommit } from '../../src/staging/publish.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { resetBranch, resetPaths } from '../../src/staging/reset.ts'
import { lockSealed, readSealed, sealBranch } from '../../src/staging/seal.ts'
import { sweepRetired } from '../../src/staging/sweep.ts'
import { beginTree, othersCommit } from '../../src/staging/trees.ts'
import { stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, hexId, newRepository } from '../support/repository.ts'

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Plan[]
}

/** Tables that may be large. */
const large = new Set(['staged', 'commits', 'refs', 'events'])

function faultsIn(plan: Plan): string[] {
  const table = plan['Relation Name'] ?? ''
  const scans = plan['Node Type'].includes('Scan') && large.has(table) && plan['Index Cond'] === undefined
  return [...(scans ? [`${plan['Node Type']} on ${table}`] : []), ...(plan.Plans ?? []).flatMap(faultsIn)]
}

function recording(db: Db): { db: Db; statements: Map<string, HotStatement> } {
  const statements = new Map<string, HotStatement>()
  const over = (queries: Queries): Queries => ({
    orm: queries.orm,
    run: (statement, params) => {
      statements.set(statement.name, statement)
      return queries.run(statement, params)
    },
  })
  return { db: { ...db, ...over(db), transaction: (work) => db.transaction((tx) => work(over(tx))) }, statements }
}

describeOnDatabases('plans', (real) => {
  // A plan is made once per connection, perhaps while the tables are empty: it must be the one for large tables from the start.
  test('every named statement reads large tables by an index condition, on an empty database', async () => {
    const { db, statements } = recording(real())
    const cache = createCommitCache()
    const { uid, name, main, root } = await newRepository(db)
    const expression = (text: string) => text as RefExpression
    const path = Buffer.from('a')
    const range = { start: path, end: null, limit: 1 }
    const groups = { prefixBytes: 0, delimiter: Buffer.from('/') }
    await createBranch(db, uid, 'b' as BranchName, root.id)
    await createTag(db, uid, 't' as TagName, root.id)
    await Promise.all([getRepository(db, name), getBranch(db, uid, main), getTag(db, uid, 't' as TagName)])
    await Promise.all([listBranches(db, uid, { amount: 1 }), listTags(db, uid, { amount: 1 })])
    for (const text of ['main', root.id, root.id.slice(0, 8)]) {
      await resolveRef(db, cache, name, expression(text))
      await resolvePath(db, cache, name, expression(text), path)
      await resolvePage(db, cache, name, expression(text), range)
      await resolvePaths(db, cache, name, expression(text), [path])
    }
    for (const options of [{}, { depth: 9 }, { depth: 9, firstParent: true }])
      await getCommits(db, createCommitCache(), uid, [hexId(1)], options)
    await hasMergeAbove(db, uid, 1)
    await stageRows(db, uid, main, [
      { path: Buffer.from('d/1'), value: path },
      { path: Buffer.from('e'), value: path },
    ])
    for (const value of [path, null]) await stageIf(db, uid, main, { path, value }, () => true)
    const sealed = await sealBranch(db, uid, main)
    await readSealed(db, uid, main)
    await db.transaction((tx) => lockSealed(tx, uid, main))
    const cursor = stagedCursor(db, [...sealed.tokens, randomUUID() as StagingToken], { groups })
    await cursor.next()
    await stagedCursor(db, sealed.tokens, { groups }).seek(path)
    const lease = await claimCompaction(db, uid, main, 0)
    if (lease === null) throw new Error('nobody else has it')
    await publishCompacted(db, { ...sealed, resetSeq: '-1' }, hexId<MetaRangeId>(1), lease)
    await renewCompaction(db, lease)
    await releaseCompaction(db, lease)
    await Promise.all([getRepositoryByUid(db, uid), stagingLoad(db, uid, main, 1), surveySealed(db, firstPlace, 9, 1)])
    await othersCommit(db, uid, await beginTree(db, uid, 'commit'))
    await publishCommit(db, sealed, fakeCommit())
    await sweepRetired(db)
    await setProtectedBranches(db, uid, ['a*'], [])
    const head = { repoUid: uid, branch: main, commitId: root.id, metaRangeId: hexId<MetaRangeId>(1) }
    await resetPaths(db, { ...head, start: path, end: null, baseMetaRangeId: null })
    await resetBranch(db, uid, main)
    await deleteBranch(db, uid, 'b' as BranchName)
    await deleteRepository(db, uid)

    expect(statements.size).toBeGreaterThan(30)
    const faults: string[] = []
    await real().transaction(async (tx) => {
      await tx.run({ name: '', text: plannerSettingsSql }, [])
      for (const { name: statement, text } of statements.values()) {
        const count = Math.max(0, ...Array.from(text.matchAll(/\$(\d+)/g), ([, number]) => Number(number)))
        const [row] = await tx.run<{ 'QUERY PLAN': { Plan: Plan }[] }>(
          { name: '', text: `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}` },
          Array<null>(count).fill(null),
        )
        for (const { Plan } of row?.['QUERY PLAN'] ?? [])
          for (const fault of faultsIn(Plan)) faults.push(`${statement}: ${fault}`)
      }
    })
    expect(faults).toEqual([])
  })
})
