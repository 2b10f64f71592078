import { expect, test } from 'vitest'
import { tablesOf } from '../../src/catalog/catalog.ts'
import { commit } from '../../src/catalog/commits.ts'
import { diffBranch } from '../../src/catalog/diff.ts'
import { listObjects } from '../../src/catalog/entries.ts'
import { stageObject } from '../../src/catalog/external-objects.ts'
import { type ResetScope, resetBranch } from '../../src/catalog/reset.ts'
import { deleteObject } from '../../src/catalog/write-objects.ts'
import { commitTree } from '../../src/committed/commit-tree.ts'
import type { Db } from '../../src/db/db.ts'
import type { RefExpression } from '../../src/model.ts'
import { resolveRef } from '../../src/refs/resolve.ts'
import { stagedCursor } from '../../src/staging/read.ts'
import { readSealed, sealBranch } from '../../src/staging/seal.ts'
import { anybody, catalogOver, rangePolicy } from '../support/catalog.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { newRepository } from '../support/repository.ts'

/** A branch with committed, compacted and staged changes. */
async function prepare(db: Db) {
  const catalog = catalogOver(db)
  const repository = await newRepository(db)
  const target = (path: string) => ({
    repository: repository.name,
    branch: 'main',
    path: Buffer.from(path),
    force: false,
  })
  const put = (path: string, sizeBytes: number) =>
    stageObject(catalog, anybody, {
      ...target(path),
      physicalAddress: `${repository.namespace}/data/${path}`,
      checksum: String(sizeBytes),
      sizeBytes,
      mtimeSeconds: 1,
      metadata: {},
      contentType: null,
    })
  const remove = (path: string) => deleteObject(catalog, anybody, target(path))
  const names = Array.from({ length: 20 }, (_, n) => `d${n % 4}/${n}`)
  for (const path of names) await put(path, 1)
  const request = {
    message: '',
    metadata: {},
    committer: '',
    dateSeconds: null,
    sourceTree: null,
    allowEmpty: false,
    force: false,
  }
  await commit(catalog, anybody, { ...request, repository: repository.name, branch: 'main' })
  for (const path of ['d0/0', 'd1/new', 'd2/2']) await put(path, 2)
  await remove('d1/1')
  // As compaction does: the staged rows become a tree that stands in for the head's.
  await sealBranch(db, repository.uid, repository.main)
  const { tokens } = await readSealed(db, repository.uid, repository.main)
  const head = await resolveRef(db, catalog.commits, repository.name, 'main@' as RefExpression)
  const reader = tablesOf(catalog, repository)
  const tree = await commitTree({
    reader,
    base: head.metaRangeId,
    changes: stagedCursor(db, tokens),
    policy: rangePolicy,
  })
  const swap = `UPDATE refs SET sealed = '{}', base_metarange = $2 WHERE repo_uid = $1::uuid`
  await db.run({ name: '', text: swap }, [repository.uid, tree.metaRangeId])
  await put('d1/1', 1)
  await put('d1/3', 3)
  await remove('d2/2')
  const everything = { prefix: Buffer.alloc(0), after: Buffer.alloc(0), delimiter: Buffer.alloc(0), amount: 1000 }
  const diff = async (listing: Partial<typeof everything> = {}) => {
    const found = await diffBranch(catalog, anybody, repository.name, 'main', { ...everything, ...listing })
    return found.items.map((item) =>
      'commonPrefix' in item ? item.commonPrefix.toString() : `${item.type} ${item.path.toString()}`,
    )
  }
  const sizes = async () => {
    const found = await listObjects(catalog, anybody, repository.name, 'main', everything)
    return Object.fromEntries(
      found.items.map((item) => ('commonPrefix' in item ? [] : [item.path.toString(), item.entry.sizeBytes])),
    )
  }
  const reset = (scope: ResetScope) =>
    resetBranch(catalog, anybody, { repository: repository.name, branch: 'main', scope, force: false })
  const committed = Object.fromEntries(names.map((path) => [path, 1]))
  return { diff, sizes, reset, committed }
}

describeOnDatabases('a branch with a compacted tree', (db) => {
  test('tells what is compacted and what is staged as one uncommitted diff', async () => {
    const { diff } = await prepare(db())
    expect(await diff()).toEqual(['changed d0/0', 'added d1/3', 'added d1/new', 'removed d2/2'])
    expect(await diff({ delimiter: Buffer.from('/') })).toEqual(['d0/', 'd1/', 'd2/'])
    expect(await diff({ prefix: Buffer.from('d1/') })).toEqual(['added d1/3', 'added d1/new'])
  })

  test('shows the committed state again where it is reset', async () => {
    const { diff, sizes, reset, committed } = await prepare(db())
    await reset({ type: 'object', path: Buffer.from('d0/0') })
    expect(await diff()).toEqual(['added d1/3', 'added d1/new', 'removed d2/2'])
    await reset({ type: 'prefix', prefix: Buffer.from('d1/') })
    expect(await diff()).toEqual(['removed d2/2'])
    const { 'd2/2': _, ...others } = committed
    expect(await sizes()).toEqual(others)
    await reset({ type: 'object', path: Buffer.from('d2/2') })
    expect(await diff()).toEqual([])
    expect(await sizes()).toEqual(committed)
  })

  test('is clean after a reset of everything', async () => {
    const { diff, sizes, reset, committed } = await prepare(db())
    await reset({ type: 'all' })
    expect(await diff()).toEqual([])
    expect(await sizes()).toEqual(committed)
  })
})
