import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { type Compactor, createCompactor } from '../../src/catalog/compactor.ts'
import { deleteObjects } from '../../src/catalog/delete-objects.ts'
import { statObject } from '../../src/catalog/entries.ts'
import { createStagingWatch, watchWrites } from '../../src/catalog/staging-watch.ts'
import type { Db } from '../../src/db/db.ts'
import type { BranchName, RepositoryUid } from '../../src/model.ts'
import { createBranch } from '../../src/refs/branches.ts'
import { claimCompaction, firstPlace, stagingLoad, surveySealed } from '../../src/staging/compact.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { stageRows } from '../../src/staging/write.ts'
import { anybody, catalogOver } from '../support/catalog.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { newRepository } from '../support/repository.ts'

type Target = Awaited<ReturnType<typeof newRepository>>

const thresholds = { tombstones: 10, sealedTokens: 3 }
const eager = { thresholds, leaseMs: 60_000, settleMs: 1, restMs: 0, restFactor: 0 }
/** Not a record; enough where nothing is committed. */
const value = Buffer.from('value')

function watched(db: Db, settings = eager): { catalog: Catalog; compactor: Compactor; errors: unknown[] } {
  const errors: unknown[] = []
  const catalog = catalogOver(db)
  const compactor = createCompactor(catalog, settings, (error) => errors.push(error))
  const watch = createStagingWatch(settings.thresholds, compactor.notice)
  return { catalog: { ...catalog, stage: watchWrites(catalog.stage, watch), watch }, compactor, errors }
}

async function sealTokens(db: Db, target: Target, count: number): Promise<void> {
  for (let token = 0; token < count; token++) {
    await stageRows(db, target.uid, target.main, [{ path: Buffer.from(`t${token}`), value: null }])
    await sealBranch(db, target.uid, target.main)
  }
}

async function isCompacted(db: Db, { uid }: Target): Promise<boolean> {
  const text = `SELECT sealed = '{}' AS compacted FROM refs WHERE repo_uid = $1::uuid AND name = 'main'`
  return (await db.run<{ compacted: boolean }>({ name: '', text }, [uid]))[0]?.compacted ?? false
}

describeOnDatabases('the compactor', (db) => {
  test('compacts what deletions fill', async () => {
    const { catalog, compactor, errors } = watched(db())
    const target = await newRepository(db())
    const paths = Array.from({ length: 12 }, (_, n) => Buffer.from(`d/${n}`))
    await stageRows(
      db(),
      target.uid,
      target.main,
      paths.map((path) => ({ path, value })),
    )
    const deletion = { repository: target.name, branch: 'main', force: false }
    await deleteObjects(catalog, anybody, { ...deletion, paths: paths.slice(0, 9) })
    await compactor.settled()
    expect((await stagingLoad(db(), target.uid, target.main, 1))?.hasRows).toBe(true)
    await deleteObjects(catalog, anybody, { ...deletion, paths: paths.slice(9) })
    await compactor.settled()
    // Nothing is left of objects that were never committed.
    expect((await stagingLoad(db(), target.uid, target.main, 1))?.hasRows).toBe(false)
    expect(errors).toEqual([])
  })

  test('compacts tokens that pile up, found by a read or by the survey', async () => {
    const { catalog, compactor } = watched(db())
    const [read, surveyed, few] = [await newRepository(db()), await newRepository(db()), await newRepository(db())]
    for (const [target, tokens] of [
      [read, 3],
      [surveyed, 3],
      [few, 2],
    ] as const)
      await sealTokens(db(), target, tokens)
    await expect(statObject(catalog, anybody, read.name, 'main', Buffer.from('t1'))).rejects.toThrow('path not found')
    await compactor.settled()
    expect(await isCompacted(db(), read)).toBe(true)
    await compactor.survey()
    await compactor.settled()
    expect(await isCompacted(db(), surveyed)).toBe(true)
    await expect(statObject(catalog, anybody, few.name, 'main', Buffer.from('t1'))).rejects.toThrow('path not found')
    await compactor.settled()
    expect(await isCompacted(db(), few)).toBe(false)
  })

  test('leaves tokens alone that a commit takes away meanwhile', async () => {
    const { compactor } = watched(db(), { ...eager, settleMs: 500 })
    const target = await newRepository(db())
    await sealTokens(db(), target, 4)
    compactor.notice(target.uid, target.main)
    // As a commit's publication, with others behind it.
    const publish = `UPDATE refs SET sealed = sealed[1:3] WHERE repo_uid = $1::uuid`
    await new Promise((resolve) => setTimeout(resolve, 100))
    await db().run({ name: '', text: publish }, [target.uid])
    await compactor.settled()
    expect(await isCompacted(db(), target)).toBe(false)
  })

  test('goes around all branches, a page at a time', async () => {
    const target = await newRepository(db())
    for (let n = 0; n < 7; n++) await createBranch(db(), target.uid, `b${n}` as BranchName, target.root.id)
    await sealTokens(db(), target, 3)
    const found: string[] = []
    let pages = 0
    for (let place = firstPlace; ; pages++) {
      const { crowded, next } = await surveySealed(db(), place, 3, 3)
      for (const { repoUid, branch } of crowded) if (repoUid === target.uid) found.push(branch)
      if (next === firstPlace) break
      place = next
    }
    expect(found).toEqual(['main'])
    expect(pages).toBeGreaterThan(1)
  })

  test('lets a branch rest between two compactions, and comes back to it by itself', async () => {
    for (const [restMs, again] of [
      [60_000, false],
      [300, true],
    ] as const) {
      const { compactor } = watched(db(), { ...eager, restMs })
      const target = await newRepository(db())
      for (const compacted of [true, false]) {
        await sealTokens(db(), target, 3)
        compactor.notice(target.uid, target.main)
        await compactor.settled()
        if (compacted || !again) expect(await isCompacted(db(), target)).toBe(compacted)
      }
      if (again) await expect.poll(() => isCompacted(db(), target), { timeout: 20_000 }).toBe(true)
      await compactor.stop()
    }
  })

  test('tells of failures, forgets branches that are gone, and stops', async () => {
    const { catalog, compactor, errors } = watched(db(), { ...eager, settleMs: 60_000 })
    compactor.notice(firstPlace.repoUid as RepositoryUid, 'gone' as BranchName)
    await compactor.settled()
    expect(errors).toEqual([])
    const broken = await newRepository(db(), { storageId: 'nowhere' as Target['storageId'] })
    const rows = Array.from({ length: 10 }, (_, n) => ({ path: Buffer.from(`${n}`), value }))
    await catalog.stage.stage(broken.uid, broken.main, rows)
    compactor.notice(broken.uid, broken.main)
    await compactor.settled()
    expect(errors).toHaveLength(1)
    expect(await claimCompaction(db(), broken.uid, broken.main, 60_000)).not.toBeNull()
    const settling = await newRepository(db())
    await sealTokens(db(), settling, 3)
    compactor.notice(settling.uid, settling.main)
    await compactor.stop()
    expect(await isCompacted(db(), settling)).toBe(false)
    expect(errors).toHaveLength(1)
  })
})
