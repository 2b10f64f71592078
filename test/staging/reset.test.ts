import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import { isDomainError } from '../../src/errors.ts'
import type { BranchName, RefExpression } from '../../src/model.ts'
import { createCommitCache } from '../../src/refs/commits.ts'
import { resolveRef } from '../../src/refs/resolve.ts'
import { createGatheringWriter } from '../../src/staging/gather.ts'
import { publishCommit } from '../../src/staging/publish.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { type RangeReset, resetBranch, resetPaths } from '../../src/staging/reset.ts'
import { readSealed, sealBranch } from '../../src/staging/seal.ts'
import { createDirectWriter, type StageWriter, stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, hexId, newRepository } from '../support/repository.ts'

type Target = Awaited<ReturnType<typeof newRepository>>

const value = Buffer.from('value')

function rangeReset({ uid, main, root }: Target, prefix: string): RangeReset {
  const start = Buffer.from(prefix)
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1
  return { repoUid: uid, branch: main, start, end, commitId: root.id, metaRangeId: hexId(1), baseMetaRangeId: null }
}

/** Paths that are staged, sealed ones included. */
async function stagedPaths(db: Db, { name }: Target): Promise<string[]> {
  const { tokens } = await resolveRef(db, createCommitCache(), name, 'main' as RefExpression)
  const cursor = stagedCursor(db, tokens)
  const paths: string[] = []
  while (await cursor.next()) paths.push(cursor.key.toString())
  return paths
}

async function rowOf(db: Db, target: Target) {
  const text = `SELECT epoch, reset_seq, token::text AS token, cardinality(sealed)::int4 AS sealed, base_metarange
    FROM refs WHERE repo_uid = $1::uuid AND name = 'main'`
  const [row] = await db.run<{
    epoch: string
    reset_seq: string
    token: string
    sealed: number
    base_metarange: string | null
  }>({ name: '', text }, [target.uid])
  if (row === undefined) throw new Error('the branch is gone')
  return row
}

/** Commits what is sealed, as a commit does; the paths that it took in, null when it lost a race. */
async function commitOnce(db: Db, target: Target): Promise<string[] | null> {
  const sealed = await sealBranch(db, target.uid, target.main)
  const cursor = stagedCursor(db, sealed.tokens)
  const paths: string[] = []
  while (await cursor.next()) paths.push(cursor.key.toString())
  if (sealed.tokens.length === 0) return []
  return (await publishCommit(db, sealed, fakeCommit({ parents: [sealed.commitId] }))) ? paths : null
}

/** Commits go on with resets of `r/` beside them until the writers are done; every path that a commit took in. */
async function contend(db: Db, target: Target, writer: StageWriter, writers: number, writes: number) {
  const taken = new Set<string>()
  const acknowledged: string[] = []
  let writing = writers
  const write = async (name: number) => {
    for (let n = 0; n < writes; n++) {
      const rows = [`o/${name}-${n}`, `r/${name}-${n}`].map((path) => ({ path: Buffer.from(path), value }))
      await writer.stage(target.uid, target.main, rows)
      acknowledged.push(`o/${name}-${n}`)
    }
    writing--
  }
  const commit = async () => {
    for (let last = false; !last; ) {
      last = writing === 0
      const paths = await commitOnce(db, target)
      if (paths === null) last = false
      else for (const path of paths) taken.add(path)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const reset = async () => {
    while (writing > 0) expect(await resetPaths(db, rangeReset(target, 'r/'))).toBe(true)
  }
  await Promise.all([commit(), reset(), ...Array.from({ length: writers }, (_, name) => write(name))])
  return { taken, acknowledged }
}

describeOnDatabases('reset', (db) => {
  test('drops every staged change, retires its tokens, and stops what was being committed', async () => {
    const target = await newRepository(db())
    const { uid, main } = target
    await stageRows(db(), uid, main, [{ path: Buffer.from('a'), value }])
    const sealed = await sealBranch(db(), uid, main)
    await stageRows(db(), uid, main, [{ path: Buffer.from('b'), value: null }])
    const before = await rowOf(db(), target)
    await resetBranch(db(), uid, main)
    const after = await rowOf(db(), target)
    expect(after).toEqual({
      epoch: String(Number(before.epoch) + 1),
      reset_seq: String(Number(before.reset_seq) + 1),
      token: expect.not.stringMatching(before.token),
      sealed: 0,
      base_metarange: null,
    })
    expect(await stagedPaths(db(), target)).toEqual([])
    expect(await publishCommit(db(), sealed, fakeCommit())).toBe(false)
    const retired = {
      name: '',
      text: 'SELECT token::text AS token FROM retired_tokens WHERE token = ANY ($1::text::uuid[])',
    }
    expect(await db().run(retired, [`{${before.token},${sealed.tokens.join(',')}}`])).toHaveLength(2)
    // Nothing there: nothing happens.
    await resetBranch(db(), uid, main)
    expect(await rowOf(db(), target)).toEqual(after)
  })

  test('of a range edits sealed rows too, and leaves the others and an untouched branch alone', async () => {
    const target = await newRepository(db())
    const { uid, main } = target
    const paths = ['a', 'r', 'r/', 'r/1', 'r/2', 'r0']
    await stageRows(
      db(),
      uid,
      main,
      paths.map((path) => ({ path: Buffer.from(path), value })),
    )
    const sealed = await sealBranch(db(), uid, main)
    await stageRows(db(), uid, main, [{ path: Buffer.from('r/2'), value: null }])
    expect(await resetPaths(db(), rangeReset(target, 'r/'))).toBe(true)
    expect(await stagedPaths(db(), target)).toEqual(['a', 'r', 'r0'])
    expect(await publishCommit(db(), sealed, fakeCommit())).toBe(false)
    const before = await rowOf(db(), target)
    expect(await resetPaths(db(), rangeReset(target, 'r/'))).toBe(true)
    expect(await rowOf(db(), target)).toEqual(before)
    expect(await publishCommit(db(), await readSealed(db(), uid, main), fakeCommit())).toBe(true)
  })

  test('of a range replaces the compacted tree only if it is the one that was read', async () => {
    const target = await newRepository(db())
    const compact = { name: '', text: 'UPDATE refs SET base_metarange = $2 WHERE repo_uid = $1::uuid' }
    const [was, now] = [hexId('was'), hexId('now')]
    await db().run(compact, [target.uid, was])
    const reset = { ...rangeReset(target, 'r/'), baseMetaRangeId: hexId('made') } as RangeReset
    expect(await resetPaths(db(), { ...reset, metaRangeId: hexId('other') })).toBe(false)
    expect(await resetPaths(db(), { ...reset, metaRangeId: hexId('was'), commitId: hexId('elsewhere') })).toBe(false)
    const before = await rowOf(db(), target)
    expect(await resetPaths(db(), { ...reset, metaRangeId: hexId('was') })).toBe(true)
    const after = await rowOf(db(), target)
    expect(after).toMatchObject({ base_metarange: hexId('made'), reset_seq: String(Number(before.reset_seq) + 1) })
    await db().run(compact, [target.uid, now])
    expect(await resetPaths(db(), { ...reset, metaRangeId: hexId('now'), baseMetaRangeId: null })).toBe(true)
    expect((await rowOf(db(), target)).base_metarange).toBeNull()
    // None comes where none is.
    expect(await resetPaths(db(), { ...reset, metaRangeId: hexId('now') })).toBe(true)
    expect((await rowOf(db(), target)).base_metarange).toBeNull()
  })

  test('of a branch that is not there is refused', async () => {
    const { uid } = await newRepository(db())
    const never = resetBranch(db(), uid, 'never' as BranchName)
    await expect(never).rejects.toSatisfy((error) => isDomainError(error, 'branch_not_found'))
  })

  test('any order of writes, seals, commits and resets leaves what a map would hold', async () => {
    const path = fc.constantFrom('a', 'r', 'r/1', 'r/2', 'r/1/x', 'r0', 's')
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), path }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('seal' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('range' as const), path }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
        const target = await newRepository(db())
        const model = new Set<string>()
        for (const taken of steps) {
          if (taken.do === 'write') {
            await stageRows(db(), target.uid, target.main, [{ path: Buffer.from(taken.path), value }])
            model.add(taken.path)
          } else if (taken.do === 'seal') await sealBranch(db(), target.uid, target.main)
          else if (taken.do === 'range') {
            await resetPaths(db(), rangeReset(target, taken.path))
            for (const known of model) if (known.startsWith(taken.path)) model.delete(known)
          } else {
            if (taken.do === 'reset') await resetBranch(db(), target.uid, target.main)
            else expect((await commitOnce(db(), target))?.sort()).toEqual([...model].sort())
            model.clear()
          }
          expect(await stagedPaths(db(), target)).toEqual([...model].sort())
        }
      }),
      { numRuns: 15 },
    )
  })

  test.each([
    ['single', createDirectWriter],
    ['gathered', createGatheringWriter],
  ])('no acknowledged write outside the range is lost to resets and commits at once: %s writes', async (_, make) => {
    const target = await newRepository(db())
    const { taken, acknowledged } = await contend(db(), target, make(db()), 8, 25)
    expect(acknowledged.length).toBe(200)
    expect(acknowledged.filter((path) => !taken.has(path))).toEqual([])
    expect(await resetPaths(db(), rangeReset(target, 'r/'))).toBe(true)
    expect(await stagedPaths(db(), target)).toEqual([])
  })

  test('what is written after a reset of everything is never lost to commits beside it', async () => {
    const target = await newRepository(db())
    const taken = new Set<string>()
    const acknowledged: string[] = []
    let writing = true
    const writer = createDirectWriter(db())
    const write = async () => {
      for (let n = 0; n < 30; n++) {
        await writer.stage(target.uid, target.main, [{ path: Buffer.from(`lost-${n}`), value }])
        await resetBranch(db(), target.uid, target.main)
        await writer.stage(target.uid, target.main, [{ path: Buffer.from(`kept-${n}`), value }])
        // Until a commit has it, the next reset could take it back.
        while (!taken.has(`kept-${n}`)) await new Promise((resolve) => setTimeout(resolve, 1))
        acknowledged.push(`kept-${n}`)
      }
      writing = false
    }
    const commit = async () => {
      while (writing) {
        for (const path of (await commitOnce(db(), target)) ?? []) taken.add(path)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await Promise.all([write(), commit(), commit()])
    expect(acknowledged).toHaveLength(30)
  })
})
