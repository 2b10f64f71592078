import { expect, test } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import { DomainError } from '../../src/errors.ts'
import type { BranchName, Repository } from '../../src/model.ts'
import { createGatheringWriter } from '../../src/staging/gather.ts'
import { publishCommit } from '../../src/staging/publish.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { sweepRetired } from '../../src/staging/sweep.ts'
import { beginTree, endTree } from '../../src/staging/trees.ts'
import { stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, newRepository } from '../support/repository.ts'

type Target = Repository & { main: BranchName }
const row = (path: string, value: string | null) => ({
  path: Buffer.from(path),
  value: value === null ? null : Buffer.from(value),
})

async function staged(db: Db, target: Target): Promise<Record<string, string | null>> {
  const { tokens } = await sealBranch(db, target.uid, target.main)
  const cursor = stagedCursor(db, tokens)
  const rows: Record<string, string | null> = {}
  while (await cursor.next()) rows[cursor.key.toString()] = cursor.value?.toString() ?? null
  return rows
}

/** Counts statements and the largest number under way at once. */
function watched(db: Db): {
  db: Db
  seen: { statements: number; most: number; fail: ((params: readonly unknown[]) => unknown) | null }
} {
  const seen = { statements: 0, most: 0, fail: null as ((params: readonly unknown[]) => unknown) | null }
  let now = 0
  const run: Db['run'] = async (statement, params) => {
    seen.statements++
    seen.most = Math.max(seen.most, ++now)
    try {
      const failure = seen.fail?.(params)
      if (failure !== undefined && failure !== null) throw failure
      return await db.run(statement, params)
    } finally {
      now--
    }
  }
  return { db: { ...db, run }, seen }
}

describeOnDatabases('gathering', (db) => {
  test('callers share statements, one at a time per branch; of equal paths the last caller counts', async () => {
    const target = await newRepository(db())
    const { db: counted, seen } = watched(db())
    const writer = createGatheringWriter(counted)
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        writer.stage(target.uid, target.main, [row(`k${n % 50}`, String(n)), row('same', String(n))]),
      ),
    )
    expect(seen).toMatchObject({ statements: 2, most: 1 })
    const rows = await staged(db(), target)
    expect(Object.keys(rows)).toHaveLength(51)
    expect(rows.same).toBe('199')
    expect(rows.k7).toBe('157')
  })

  test('large callers are sent in bounded statements', async () => {
    const target = await newRepository(db())
    const { db: counted, seen } = watched(db())
    const writer = createGatheringWriter(counted)
    const many = Array.from({ length: 2300 }, (_, n) => row(`m${n}`, String(n)))
    const big = Array.from({ length: 5 }, (_, n) => ({ path: Buffer.from(`b${n}`), value: Buffer.alloc(1 << 20, n) }))
    await writer.stage(target.uid, target.main, many)
    expect(seen.statements).toBe(3)
    await writer.stage(target.uid, target.main, big)
    expect(seen.statements).toBe(5)
    await writer.stage(target.uid, target.main, [])
    expect(seen.statements).toBe(5)
    expect(Object.keys(await staged(db(), target))).toHaveLength(2305)
  })

  test('a caller of a thousand rows of the longest paths is one statement, also behind others', async () => {
    const target = await newRepository(db())
    const { db: counted, seen } = watched(db())
    const writer = createGatheringWriter(counted)
    const many = Array.from({ length: 1000 }, (_, n) => row(String(n).padEnd(1024, 'x'), null))
    const ahead = [row('a', '1'), row('b', '2'), row('c', '3')]
    await Promise.all([
      ...ahead.map((one) => writer.stage(target.uid, target.main, [one])),
      writer.stage(target.uid, target.main, many),
    ])
    // The first, what came meanwhile, the large one.
    expect(seen.statements).toBe(3)
  })

  test('one bad row fails its caller only', async () => {
    const target = await newRepository(db())
    const writer = createGatheringWriter(db())
    // Larger than an index entry may be: the server refuses the statement that has it.
    const noise = Buffer.from(Array.from({ length: 9000 }, () => Math.floor(Math.random() * 256)))
    const outcomes = await Promise.allSettled([
      writer.stage(target.uid, target.main, [row('first', '1')]),
      writer.stage(target.uid, target.main, [row('a', '1')]),
      writer.stage(target.uid, target.main, [{ path: noise, value: null }]),
      writer.stage(target.uid, target.main, [row('b', '2')]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await staged(db(), target)).toEqual({ first: '1', a: '1', b: '2' })
  })

  test('an unknown outcome is told to every caller and never sent again', async () => {
    const target = await newRepository(db())
    const { db: counted, seen } = watched(db())
    const writer = createGatheringWriter(counted)
    seen.fail = () => (seen.statements === 2 ? new DomainError('outcome_unknown', 'lost') : null)
    const outcomes = await Promise.allSettled(
      ['1', '2', '3'].map((name) => writer.stage(target.uid, target.main, [row(name, name)])),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(seen.statements).toBe(2)
    await writer.stage(target.uid, target.main, [row('4', '4')])
    expect(await staged(db(), target)).toEqual({ '1': '1', '4': '4' })
  })
})

describeOnDatabases('seal, publish, sweep', (db) => {
  const refRow = async (target: Target) => {
    const text = `SELECT commit_id, cardinality(sealed) AS sealed, base_metarange FROM refs WHERE repo_uid = $1::uuid AND name = 'main'`
    const [found] = await db().run<{ commit_id: string; sealed: number; base_metarange: string | null }>(
      { name: '', text },
      [target.uid],
    )
    return found
  }

  test('an empty token is not rotated; what was sealed stays until it is published', async () => {
    const target = await newRepository(db())
    expect((await sealBranch(db(), target.uid, target.main)).tokens).toEqual([])
    await stageRows(db(), target.uid, target.main, [row('a', '1')])
    const first = await sealBranch(db(), target.uid, target.main)
    expect(first.tokens).toHaveLength(1)
    expect((await sealBranch(db(), target.uid, target.main)).tokens).toEqual(first.tokens)
    await stageRows(db(), target.uid, target.main, [row('b', '1')])
    const second = await sealBranch(db(), target.uid, target.main)
    expect(second.tokens.slice(1)).toEqual(first.tokens)
    // The first commit takes its own token only; the newer one stays in front.
    const commit = fakeCommit({ parents: [target.root.id], metadata: { 'a"\\': 'ü' } })
    const tree = await beginTree(db(), target.uid, 'commit')
    expect(await publishCommit(db(), first, commit, tree)).toBe(true)
    expect(await refRow(target)).toEqual({ commit_id: commit.id, sealed: 1, base_metarange: null })
    // The second one prepared on the old head.
    const loser = await beginTree(db(), target.uid, 'commit')
    expect(await publishCommit(db(), second, fakeCommit(), loser)).toBe(false)
    expect(await db().run({ name: '', text: 'SELECT id FROM trees WHERE repo_uid = $1::uuid' }, [target.uid])).toEqual([
      { id: loser },
    ])
    await endTree(db(), loser)
    const text = `SELECT kind, old_id, new_id FROM events WHERE repo_uid = $1::uuid AND name = 'main' ORDER BY id`
    expect(await db().run({ name: '', text }, [target.uid])).toEqual([
      { kind: 'b', old_id: null, new_id: target.root.id },
      { kind: 'b', old_id: target.root.id, new_id: commit.id },
    ])
  })

  test.each([
    ['a reset', 'reset_seq = reset_seq + 1'],
    ['a compaction', `base_metarange = 'other'`],
    ['another head', `commit_id = repeat('0', 64)`],
    ['tokens taken away', `sealed = '{}'`],
  ])('%s in between makes publishing a no-op', async (_, change) => {
    const target = await newRepository(db())
    await stageRows(db(), target.uid, target.main, [row('a', '1')])
    const sealed = await sealBranch(db(), target.uid, target.main)
    await db().run({ name: '', text: `UPDATE refs SET ${change} WHERE repo_uid = $1::uuid` }, [target.uid])
    const before = await refRow(target)
    expect(await publishCommit(db(), sealed, fakeCommit())).toBe(false)
    expect(await refRow(target)).toEqual(before)
  })

  test('without tokens the head still moves, and takes the compacted tree with it', async () => {
    const target = await newRepository(db())
    await db().run({ name: '', text: `UPDATE refs SET base_metarange = 'compacted' WHERE repo_uid = $1::uuid` }, [
      target.uid,
    ])
    const commit = fakeCommit()
    expect(await publishCommit(db(), await sealBranch(db(), target.uid, target.main), commit)).toBe(true)
    expect(await refRow(target)).toEqual({ commit_id: commit.id, sealed: 0, base_metarange: null })
  })

  test('rows of published tokens are deleted once their grace is over, not before', async () => {
    const target = await newRepository(db())
    const rows = Array.from({ length: 12_000 }, (_, n) => row(String(n), 'x'))
    await stageRows(db(), target.uid, target.main, rows)
    const sealed = await sealBranch(db(), target.uid, target.main)
    await publishCommit(db(), sealed, fakeCommit())
    await stageRows(db(), target.uid, target.main, [row('kept', '1')])
    expect(await sweepRetired(db())).toBe(0)
    await db().run(
      {
        name: '',
        text: `UPDATE retired_tokens SET retired_at = retired_at - interval '11 minutes' WHERE token = $1::uuid`,
      },
      [sealed.tokens[0] ?? ''],
    )
    expect(await sweepRetired(db(), 1)).toBe(5000)
    expect(await sweepRetired(db())).toBe(7000)
    const left = await db().run({ name: '', text: 'SELECT 1 FROM retired_tokens WHERE token = $1::uuid' }, [
      sealed.tokens[0] ?? '',
    ])
    expect(left).toEqual([])
    expect(await staged(db(), target)).toEqual({ kept: '1' })
  })
})
