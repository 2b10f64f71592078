import { expect, test } from 'vitest'
import type { BranchName, MetaRangeId } from '../../src/model.ts'
import { stageIf, stageIfAbsent } from '../../src/staging/conditional.ts'
import { publishCommit } from '../../src/staging/publish.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, newRepository } from '../support/repository.ts'

describeOnDatabases('conditional writes', (db) => {
  test('exactly one of the writers that want a path to be new wins, in 800 races against rotation', async () => {
    const target = await newRepository(db())
    let racing = true
    const rotate = async () => {
      while (racing) {
        await sealBranch(db(), target.uid, target.main)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const race = async () => {
      for (let batch = 0; batch < 80; batch++) {
        await Promise.all(
          Array.from({ length: 10 }, async (_, n) => {
            const path = Buffer.from(`${batch}/${n}`)
            const wins = await Promise.all(
              ['a', 'b', 'c'].map((name) =>
                stageIfAbsent(db(), target.uid, target.main, { path, value: Buffer.from(name) }, () => false),
              ),
            )
            expect(wins.filter(Boolean)).toHaveLength(1)
          }),
        )
      }
      racing = false
    }
    await Promise.all([race(), rotate()])
  })

  test('compare-and-swap counters lose no increment', async () => {
    const target = await newRepository(db())
    const path = Buffer.from('counter')
    const add = async () => {
      for (let n = 0; n < 8; ) {
        let seen = 0
        const value = Buffer.alloc(4)
        const read = (staged: Buffer | null | undefined) => {
          seen = staged?.readUInt32LE() ?? 0
          value.writeUInt32LE(seen + 1)
          return true
        }
        if (await stageIf(db(), target.uid, target.main, { path, value }, ({ staged }) => read(staged))) n++
        if (n % 3 === 0) await sealBranch(db(), target.uid, target.main)
      }
    }
    await Promise.all(Array.from({ length: 5 }, add))
    let final = 0
    await stageIf(db(), target.uid, target.main, { path, value: null }, ({ staged }) => {
      final = staged?.readUInt32LE() ?? 0
      return false
    })
    expect(final).toBe(40)
  })

  test('what the decision sees', async () => {
    const target = await newRepository(db())
    const path = Buffer.from('file')
    const look = async () => {
      let seen: unknown
      const staged = await stageIf(db(), target.uid, target.main, { path, value: null }, (state) => {
        seen = state
        return false
      })
      expect(staged).toBe(false)
      return seen
    }
    const clean = { staged: undefined, commitId: target.root.id, metaRangeId: '' }
    expect(await look()).toEqual(clean)
    await stageRows(db(), target.uid, target.main, [{ path, value: Buffer.from('1') }])
    expect(await look()).toEqual({ ...clean, staged: Buffer.from('1') })
    const sealed = await sealBranch(db(), target.uid, target.main)
    expect(await look()).toEqual({ ...clean, staged: Buffer.from('1') })
    await stageRows(db(), target.uid, target.main, [{ path, value: null }])
    expect(await look()).toEqual({ ...clean, staged: null })
    const commit = fakeCommit({ parents: [target.root.id] })
    expect(await publishCommit(db(), sealed, commit)).toBe(true)
    expect(await look()).toEqual({ staged: null, commitId: commit.id, metaRangeId: commit.metaRangeId })
    await db().run({ name: '', text: `UPDATE refs SET base_metarange = 'compacted' WHERE repo_uid = $1::uuid` }, [
      target.uid,
    ])
    expect(await look()).toMatchObject({ metaRangeId: 'compacted' })
  })

  test('If-None-Match sees the committed tree, tombstones and refusals', async () => {
    const target = await newRepository(db())
    const row = { path: Buffer.from('file'), value: Buffer.from('new') }
    const asked: MetaRangeId[] = []
    const committed = (answer: boolean) => (id: MetaRangeId) => asked.push(id) > 0 && answer
    expect(await stageIfAbsent(db(), target.uid, target.main, row, committed(true))).toBe(false)
    expect(await stageIfAbsent(db(), target.uid, target.main, row, committed(false))).toBe(true)
    expect(await stageIfAbsent(db(), target.uid, target.main, row, committed(false))).toBe(false)
    expect(asked).toEqual(['', ''])
    await stageRows(db(), target.uid, target.main, [{ path: row.path, value: null }])
    expect(await stageIfAbsent(db(), target.uid, target.main, row, committed(true))).toBe(true)
    const refusal = new Error('refused')
    const refuse = () => Promise.reject(refusal)
    await expect(stageIf(db(), target.uid, target.main, row, refuse)).rejects.toBe(refusal)
    await expect(stageIf(db(), target.uid, 'none' as BranchName, row, () => true)).rejects.toMatchObject({
      code: 'branch_not_found',
    })
  })
})
