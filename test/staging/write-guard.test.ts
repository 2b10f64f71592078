import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import { isDomainError } from '../../src/errors.ts'
import type { BranchName, Repository } from '../../src/model.ts'
import { createBranch, deleteBranch } from '../../src/refs/branches.ts'
import { createGatheringWriter } from '../../src/staging/gather.ts'
import { publishCommit } from '../../src/staging/publish.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { createDirectWriter, type StageWriter } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, newRepository } from '../support/repository.ts'

type Target = Repository & { main: BranchName }

/** Commits until `running` is false, and once more; `onPublished` gets the paths that a commit took in. */
async function commitAll(
  db: Db,
  target: Target,
  running: () => boolean,
  onPublished: (paths: string[]) => void,
): Promise<void> {
  for (let last = false; !last; ) {
    last = !running()
    const sealed = await sealBranch(db, target.uid, target.main)
    const rows: string[] = []
    const cursor = stagedCursor(db, sealed.tokens)
    while (await cursor.next()) rows.push(cursor.key.toString())
    if (sealed.tokens.length === 0) await new Promise((resolve) => setImmediate(resolve))
    else if (await publishCommit(db, sealed, fakeCommit({ parents: [sealed.commitId] }))) onPublished(rows)
    else last = false
  }
}

/** Writers go on until the committers have published `commits` times, so writes and commits are sure to have met. */
async function guard(db: Db, writer: StageWriter, writers: number, committers: number, commits = 25): Promise<void> {
  const target = await newRepository(db)
  const acknowledged: string[] = []
  const taken = new Set<string>()
  let published = 0
  let writing = writers
  const write = async (name: number) => {
    for (let n = 0; published < commits; n++) {
      const path = `w${name}/${n}`
      await writer.stage(target.uid, target.main, [{ path: Buffer.from(path), value: Buffer.from(`value of ${path}`) }])
      acknowledged.push(path)
    }
    writing--
  }
  const onPublished = (paths: string[]) => {
    published++
    for (const path of paths) taken.add(path)
  }
  await Promise.all([
    ...Array.from({ length: committers }, () => commitAll(db, target, () => writing > 0, onPublished)),
    ...Array.from({ length: writers }, (_, name) => write(name)),
  ])
  expect(acknowledged.length).toBeGreaterThan(commits)
  expect(acknowledged.filter((path) => !taken.has(path))).toEqual([])
}

describeOnDatabases('write guard', (db) => {
  test('no acknowledged write is lost to constant commits: single writes', () =>
    guard(db(), createDirectWriter(db()), 16, 1))
  test('no acknowledged write is lost to constant commits: gathered writes', () =>
    guard(db(), createGatheringWriter(db()), 32, 1))
  test('no acknowledged write is lost to commits that race each other', () =>
    guard(db(), createDirectWriter(db()), 12, 3))

  test('overlapping unsorted batches neither deadlock nor mix', async () => {
    const target = await newRepository(db())
    const paths = Array.from({ length: 40 }, (_, n) => Buffer.from(`p${n}`))
    const writer = createDirectWriter(db())
    await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const shuffled = [...paths].sort(() => Math.random() - 0.5)
        await writer.stage(
          target.uid,
          target.main,
          shuffled.map((path) => ({ path, value: Buffer.from(String(n)) })),
        )
      }),
    )
    const { tokens } = await sealBranch(db(), target.uid, target.main)
    const cursor = stagedCursor(db(), tokens)
    const values = new Set<string>()
    while (await cursor.next()) values.add(String(cursor.value))
    // Statements, not rows, follow each other: the last batch won everywhere.
    expect(values.size).toBe(1)
  })

  test('a recreated branch does not inherit writes or epochs, and a deleted one refuses them', async () => {
    const target = await newRepository(db())
    const branch = 'again' as BranchName
    const writer = createGatheringWriter(db())
    const epochs = new Set<string>()
    for (let round = 0; round < 5; round++) {
      await createBranch(db(), target.uid, branch, target.root.id)
      const [row] = await db().run<{ epoch: string }>(
        { name: '', text: 'SELECT epoch FROM refs WHERE repo_uid = $1::uuid AND name = $2' },
        [target.uid, branch],
      )
      epochs.add(row?.epoch ?? '')
      const { tokens } = await sealBranch(db(), target.uid, branch)
      expect(tokens).toEqual([])
      await writer.stage(target.uid, branch, [{ path: Buffer.from('x'), value: null }])
      await deleteBranch(db(), target.uid, branch)
      const late = writer.stage(target.uid, branch, [{ path: Buffer.from('y'), value: null }])
      await expect(late).rejects.toSatisfy((error) => isDomainError(error, 'branch_not_found'))
    }
    expect(epochs.size).toBe(5)
  })

  test('writers against deletion and recreation: an acknowledged write is on the branch that took it', async () => {
    const target = await newRepository(db())
    const branch = 'flip' as BranchName
    await createBranch(db(), target.uid, branch, target.root.id)
    let flipping = true
    const outcomes = { staged: 0, refused: 0 }
    const write = async () => {
      while (flipping) {
        try {
          await createDirectWriter(db()).stage(target.uid, branch, [
            { path: Buffer.from(randomUUID()), value: Buffer.alloc(1) },
          ])
          outcomes.staged++
        } catch (error) {
          if (!isDomainError(error, 'branch_not_found')) throw error
          outcomes.refused++
        }
      }
    }
    const flip = async () => {
      for (let round = 0; round < 60; round++) {
        await deleteBranch(db(), target.uid, branch)
        await createBranch(db(), target.uid, branch, target.root.id)
      }
      flipping = false
    }
    await Promise.all([flip(), ...Array.from({ length: 6 }, write)])
    // Every row lies under a token that is the branch's or was retired with it.
    const stray: { n: number }[] = await db().run(
      {
        name: '',
        text: `SELECT count(*)::int4 AS n FROM staged s WHERE NOT EXISTS (SELECT 1 FROM retired_tokens t WHERE t.token = s.token)
        AND NOT EXISTS (SELECT 1 FROM refs f WHERE f.token = s.token OR s.token = ANY(f.sealed))`,
      },
      [],
    )
    expect(stray).toEqual([{ n: 0 }])
    expect(outcomes.staged).toBeGreaterThan(0)
  })
})
