import { expect, test } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import type { Repository } from '../../src/model.ts'
import { createTag } from '../../src/refs/tags.ts'
import { dropSealed, publishCommit } from '../../src/staging/publish.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { readSealed, type SealedBranch, sealBranch } from '../../src/staging/seal.ts'
import { stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, newRepository } from '../support/repository.ts'

type Target = Awaited<ReturnType<typeof newRepository>>

async function stageAndSeal(db: Db, target: Target, path: string): Promise<SealedBranch> {
  await stageRows(db, target.uid, target.main, [{ path: Buffer.from(path), value: Buffer.from('same as committed') }])
  return sealBranch(db, target.uid, target.main)
}

async function branchRow(db: Db, { uid }: Repository) {
  const [row] = await db.run<{ epoch: string; events: number; commit_id: string; base: string | null }>(
    {
      name: '',
      text: `SELECT epoch, commit_id, base_metarange AS base, (SELECT count(*) FROM events WHERE repo_uid = $1::uuid)::int4 AS events
        FROM refs WHERE repo_uid = $1::uuid AND name = 'main'`,
    },
    [uid],
  )
  if (row === undefined) throw new Error('the branch is gone')
  return row
}

async function retired(db: Db, tokens: readonly string[]): Promise<string[]> {
  const rows = await db.run<{ token: string }>({ name: '', text: 'SELECT token FROM retired_tokens' }, [])
  return rows.map(({ token }) => token).filter((token) => tokens.includes(token))
}

async function staged(db: Db, tokens: SealedBranch['tokens']): Promise<string[]> {
  const paths: string[] = []
  const cursor = stagedCursor(db, tokens)
  while (await cursor.next()) paths.push(cursor.key.toString())
  return paths
}

describeOnDatabases('dropSealed', (db) => {
  test('takes sealed tokens and the compacted base off and retires them; the head stays and no event is told', async () => {
    const target = await newRepository(db())
    await stageAndSeal(db(), target, 'a')
    await stageAndSeal(db(), target, 'b')
    await db().run({ name: '', text: `UPDATE refs SET base_metarange = 'compacted' WHERE repo_uid = $1::uuid` }, [
      target.uid,
    ])
    const sealed = await readSealed(db(), target.uid, target.main)
    expect(sealed.tokens).toHaveLength(2)
    const before = await branchRow(db(), target)
    expect(await dropSealed(db(), sealed)).toBe(true)
    const after = await branchRow(db(), target)
    expect(after).toEqual({ ...before, base: null, epoch: String(Number(before.epoch) + 1) })
    expect((await readSealed(db(), target.uid, target.main)).tokens).toEqual([])
    expect(await retired(db(), sealed.tokens)).toEqual(expect.arrayContaining([...sealed.tokens]))
    expect(await dropSealed(db(), sealed)).toBe(false)
    expect(await branchRow(db(), target)).toEqual(after)
  })

  test('what is sealed or staged meanwhile stays', async () => {
    const target = await newRepository(db())
    const old = await stageAndSeal(db(), target, 'old')
    const both = await stageAndSeal(db(), target, 'newer')
    await stageRows(db(), target.uid, target.main, [{ path: Buffer.from('newest'), value: null }])
    expect(await dropSealed(db(), old)).toBe(true)
    const left = await readSealed(db(), target.uid, target.main)
    expect(left.tokens).toEqual(both.tokens.slice(0, 1))
    expect(await retired(db(), both.tokens)).toEqual(old.tokens)
    const last = await sealBranch(db(), target.uid, target.main)
    expect(await staged(db(), last.tokens)).toEqual(['newer', 'newest'])
    expect(await dropSealed(db(), both)).toBe(false)
  })

  test('nothing happens when head, base, tokens or resets are others', async () => {
    const target = await newRepository(db())
    const sealed = await stageAndSeal(db(), target, 'a')
    const other = fakeCommit()
    await createTag(db(), target.uid, 'v1' as never, target.root.id)
    const before = await branchRow(db(), target)
    for (const changed of [
      { ...sealed, commitId: other.id },
      { ...sealed, baseMetaRangeId: other.metaRangeId },
      { ...sealed, tokens: [target.uid as string as never] },
      { ...sealed, tokens: [...sealed.tokens, ...sealed.tokens] },
      { ...sealed, resetSeq: '77' },
      { ...sealed, branch: 'none' as never },
    ]) {
      expect(await dropSealed(db(), changed)).toBe(false)
    }
    expect(await dropSealed(db(), { ...sealed, branch: 'v1' as never })).toBe(false)
    expect(await branchRow(db(), target)).toEqual(before)
    expect(await retired(db(), sealed.tokens)).toEqual([])
    expect(await publishCommit(db(), sealed, fakeCommit({ parents: [sealed.commitId] }))).toBe(true)
    expect(await dropSealed(db(), sealed)).toBe(false)
  })

  test('with nothing sealed there is nothing to do', async () => {
    const target = await newRepository(db())
    const before = await branchRow(db(), target)
    expect(await dropSealed(db(), await sealBranch(db(), target.uid, target.main))).toBe(true)
    expect(await branchRow(db(), target)).toEqual(before)
  })

  test('of a drop and a commit of the same tokens exactly one happens', async () => {
    const target = await newRepository(db())
    for (let round = 0; round < 20; round++) {
      const sealed = await stageAndSeal(db(), target, `path ${round}`)
      const made = fakeCommit({ parents: [sealed.commitId] })
      const outcomes = await Promise.all([dropSealed(db(), sealed), publishCommit(db(), sealed, made)])
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      expect(await retired(db(), sealed.tokens)).toEqual(sealed.tokens)
    }
  })
})
