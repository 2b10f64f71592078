import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Db } from '../../src/db/db.ts'
import { isDomainError } from '../../src/errors.ts'
import type { BranchName, CommitId, RepositoryName, RepositoryUid, StorageNamespace, TagName } from '../../src/model.ts'
import { createBranch, deleteBranch, getBranch, listBranches } from '../../src/refs/branches.ts'
import { insertCommit } from '../../src/refs/commits.ts'
import type { Page, PageRequest } from '../../src/refs/page.ts'
import {
  changeRepositoryMetadata,
  createRepository,
  deleteRepository,
  getRepository,
  getRepositoryMetadata,
  listRepositories,
} from '../../src/refs/repositories.ts'
import { createTag, deleteTag, getTag, listTags } from '../../src/refs/tags.ts'
import { stageRows } from '../../src/staging/write.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { fakeCommit, hexId, newRepository } from '../support/repository.ts'

const codeOf = (error: unknown) => (isDomainError(error) ? error.code : error)
const codes = async (work: Promise<unknown>[]) =>
  (await Promise.allSettled(work)).map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : codeOf(outcome.reason)))
const bytewise = (a: string, b: string) => Buffer.from(a).compare(Buffer.from(b))

/** All pages of a listing, asked for `amount` at a time. */
async function all<Item extends { name: string }>(
  list: (request: PageRequest) => Promise<Page<Item>>,
  request: Omit<PageRequest, 'amount'>,
  amount: number,
) {
  const names: string[] = []
  let after = request.after ?? ''
  for (;;) {
    const page = await list({ ...request, after, amount })
    names.push(...page.items.map(({ name }) => name))
    expect(page.items.length).toBeLessThanOrEqual(amount)
    if (!page.hasMore) return names
    expect(page.items).toHaveLength(amount)
    after = names.at(-1) ?? ''
  }
}

async function count(db: Db, table: string, where: string, uid: RepositoryUid): Promise<number> {
  const [row] = await db.run<{ n: number }>(
    { name: '', text: `SELECT count(*)::int4 AS n FROM ${table} WHERE ${where} = $1::uuid` },
    [uid],
  )
  return row?.n ?? -1
}

describeOnDatabases('repositories', (db) => {
  const wanted = (name: string, place: readonly string[]) => ({
    repository: {
      uid: randomUUID() as RepositoryUid,
      name: name as RepositoryName,
      storageId: '' as never,
      homeStorageId: '' as never,
      namespace: place.join('/') as StorageNamespace,
      defaultBranch: 'main' as BranchName,
      createdAtSeconds: 1,
      readOnly: true,
      protectedBranches: [],
    },
    canonicalNamespace: place,
    initialCommit: null,
  })

  test('what was created is what is got, with the versions', async () => {
    const { repository } = wanted('round-trip', [])
    await createRepository(db(), {
      ...wanted('round-trip', ['x', 'with "quotes" \\ and, {braces}', 'NULL']),
      repository,
      metadata: { k: 'v' },
    })
    expect(await getRepository(db(), repository.name)).toEqual({ repository, versions: { auth: 1, storage: 1 } })
    expect(await listBranches(db(), repository.uid, { amount: 5 })).toEqual({ items: [], hasMore: false })
    await changeRepositoryMetadata(db(), repository.uid, { set: { b: 'ü"', c: '1' }, remove: ['k', 'unknown'] })
    expect(await getRepositoryMetadata(db(), repository.uid)).toEqual({ b: 'ü"', c: '1' })
    await deleteRepository(db(), repository.uid)
    expect(
      await codes([
        getRepository(db(), repository.name),
        deleteRepository(db(), repository.uid),
        getRepositoryMetadata(db(), repository.uid),
        changeRepositoryMetadata(db(), repository.uid, {}),
      ]),
    ).toEqual(Array(4).fill('repository_not_found'))
  })

  test('overlapping namespaces exclude each other, above and below, but by whole segments', async () => {
    await createRepository(db(), wanted('overlap-0', ['s3', 'bucket', 'a', 'b']))
    expect(
      await codes([
        createRepository(db(), wanted('overlap-1', ['s3', 'bucket', 'a', 'b'])),
        createRepository(db(), wanted('overlap-2', ['s3', 'bucket', 'a', 'b', 'c'])),
        createRepository(db(), wanted('overlap-3', ['s3', 'bucket', 'a'])),
        createRepository(db(), wanted('overlap-4', ['s3', 'bucket'])),
        createRepository(db(), wanted('overlap-5', ['s3', 'bucket', 'a', 'bc'])),
        createRepository(db(), wanted('overlap-6', ['s3', 'bucket2', 'a', 'b'])),
        createRepository(db(), wanted('overlap-0', ['gs', 'other'])),
      ]),
    ).toEqual([
      'namespace_in_use',
      'namespace_in_use',
      'namespace_in_use',
      'namespace_in_use',
      'ok',
      'ok',
      'already_exists',
    ])
  })

  test('of creations at the same time that overlap exactly one succeeds', async () => {
    for (let round = 0; round < 10; round++) {
      const place = ['race', `r${round}`, 'a', 'b', 'c', 'd']
      const outcomes = await codes(
        [3, 4, 5, 6].map((depth) => createRepository(db(), wanted(`race-${round}-${depth}`, place.slice(0, depth)))),
      )
      expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'namespace_in_use')).toHaveLength(3)
      const same = await codes(
        [1, 2, 3].map((n) => createRepository(db(), wanted(`race-${round}`, ['same', `r${round}`, String(n)]))),
      )
      expect(same.sort()).toEqual(['already_exists', 'already_exists', 'ok'])
    }
  })

  test('whose a taken place is stays untold', async () => {
    await createRepository(db(), wanted('secret-name', ['told', 'place']))
    await expect(createRepository(db(), wanted('told', ['told']))).rejects.toMatchObject({
      code: 'namespace_in_use',
      message: expect.not.stringContaining('secret-name'),
    })
  })

  test('lists by prefix, search and after in byte order', async () => {
    const names = ['list-a', 'list-ab', 'list-b', 'list-0', 'list--x', 'list-zz', 'lisu']
    for (const name of names) await createRepository(db(), wanted(name, ['list', name]))
    const sorted = names.filter((name) => name.startsWith('list')).sort(bytewise)
    for (const amount of [1, 2, 6, 7, 1000])
      expect(await all((request) => listRepositories(db(), request), { prefix: 'list' }, amount)).toEqual(sorted)
    expect(await all((request) => listRepositories(db(), { ...request, search: 'b' }), { prefix: 'list' }, 1)).toEqual([
      'list-ab',
      'list-b',
    ])
    expect(await all((request) => listRepositories(db(), request), { prefix: 'list', after: 'list-aa' }, 10)).toEqual([
      'list-ab',
      'list-b',
      'list-zz',
    ])
    const [summary] = (await listRepositories(db(), { amount: 1 })).items
    expect(Object.keys(summary ?? {})).not.toContain('protectedBranches')
    await expect(listRepositories(db(), { amount: 0 })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('deleting takes refs, commits and, later, staged rows; ref moves stay on record', async () => {
    const target = await newRepository(db())
    await createTag(db(), target.uid, 'v1' as TagName, target.root.id)
    await stageRows(db(), target.uid, target.main, [{ path: Buffer.from('a'), value: null }])
    await deleteRepository(db(), target.uid)
    for (const [table, column] of [
      ['repositories', 'uid'],
      ['refs', 'repo_uid'],
      ['commits', 'repo_uid'],
    ] as const) {
      expect(await count(db(), table, column, target.uid)).toBe(0)
    }
    expect(await count(db(), 'events', 'repo_uid', target.uid)).toBe(4)
    const stray = `SELECT 1 FROM staged s WHERE NOT EXISTS (SELECT 1 FROM retired_tokens t WHERE t.token = s.token)`
    expect(await db().run({ name: '', text: stray }, [])).toEqual([])
  })

  test('refs created while their repository is deleted do not outlive it', async () => {
    for (let round = 0; round < 15; round++) {
      const target = await newRepository(db())
      const outcomes = await codes([
        ...[1, 2, 3, 4].map((n) => createBranch(db(), target.uid, `b${n}` as BranchName, target.root.id)),
        deleteRepository(db(), target.uid),
        ...[5, 6].map((n) => createTag(db(), target.uid, `t${n}` as TagName, target.root.id)),
      ])
      expect(new Set(outcomes)).toSatisfy((set: Set<unknown>) =>
        [...set].every((code) => code === 'ok' || code === 'repository_not_found'),
      )
      expect(await count(db(), 'refs', 'repo_uid', target.uid)).toBe(0)
    }
  })
})

describeOnDatabases('branches and tags', (db) => {
  test('create, get, delete; every move is one event', async () => {
    const { uid, root } = await newRepository(db())
    const [branch, tag] = ['dev' as BranchName, 'v1' as TagName]
    await createBranch(db(), uid, branch, root.id, { hidden: true })
    await createTag(db(), uid, tag, root.id)
    expect(await getBranch(db(), uid, branch)).toEqual({ name: branch, commitId: root.id, hidden: true })
    expect(await getTag(db(), uid, tag)).toEqual({ name: tag, commitId: root.id })
    expect(
      await codes([
        getBranch(db(), uid, tag as never),
        getTag(db(), uid, branch as never),
        deleteBranch(db(), uid, tag as never),
        deleteTag(db(), uid, branch as never),
      ]),
    ).toEqual(['branch_not_found', 'tag_not_found', 'branch_not_found', 'tag_not_found'])
    await deleteBranch(db(), uid, branch)
    await deleteTag(db(), uid, tag)
    expect(await codes([deleteBranch(db(), uid, branch), deleteTag(db(), uid, tag)])).toEqual([
      'branch_not_found',
      'tag_not_found',
    ])
    const events = await db().run(
      {
        name: '',
        text: `SELECT name, kind, old_id, new_id FROM events WHERE repo_uid = $1::uuid AND name <> 'main' ORDER BY id`,
      },
      [uid],
    )
    expect(events).toEqual([
      { name: 'dev', kind: 'b', old_id: null, new_id: root.id },
      { name: 'v1', kind: 't', old_id: null, new_id: root.id },
      { name: 'dev', kind: 'b', old_id: root.id, new_id: null },
      { name: 'v1', kind: 't', old_id: root.id, new_id: null },
    ])
  })

  test('names exclude each other, with lakeFS’s texts', async () => {
    const { uid, root } = await newRepository(db())
    await createBranch(db(), uid, 'x' as BranchName, root.id)
    await createTag(db(), uid, 'y' as TagName, root.id)
    await expect(createBranch(db(), uid, 'x' as BranchName, root.id)).rejects.toMatchObject({
      code: 'already_exists',
      message: 'branch already exists: not unique',
    })
    await expect(createTag(db(), uid, 'y' as TagName, root.id)).rejects.toMatchObject({
      code: 'already_exists',
      message: 'tag already exists: not unique',
    })
    await expect(createBranch(db(), uid, 'y' as BranchName, root.id)).rejects.toMatchObject({
      code: 'conflict',
      message: 'tag ID y: conflict found',
    })
    await expect(createTag(db(), uid, 'x' as TagName, root.id)).rejects.toMatchObject({
      code: 'conflict',
      message: 'branch name x: conflict found',
    })
    await expect(createTag(db(), uid, root.id as never, root.id)).rejects.toMatchObject({ code: 'conflict' })
    await expect(createBranch(db(), uid, root.id as never, root.id)).rejects.toMatchObject({ code: 'conflict' })
    await expect(createBranch(db(), randomUUID() as RepositoryUid, 'x' as BranchName, root.id)).rejects.toMatchObject({
      code: 'repository_not_found',
    })
  })

  test('of many that want a name exactly one gets it', async () => {
    const { uid, root } = await newRepository(db())
    for (let round = 0; round < 20; round++) {
      const outcomes = await codes(
        Array.from({ length: 6 }, (_, n) =>
          n % 2 === 0
            ? createBranch(db(), uid, `n${round}` as BranchName, root.id)
            : createTag(db(), uid, `n${round}` as TagName, root.id),
        ),
      )
      expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1)
    }
  })

  test('lists in byte order, inside the prefix, hidden branches on request', async () => {
    const { uid, root } = await newRepository(db())
    const names = ['a', 'B', '_', 'aa', 'a-b', 'a_b', 'ab', 'b', '0']
    for (const name of names) await createBranch(db(), uid, name as BranchName, root.id, { hidden: name === 'ab' })
    const visible = ['main', ...names].filter((name) => name !== 'ab').sort(bytewise)
    const branches = (showHidden: boolean) => (request: PageRequest) =>
      listBranches(db(), uid, { ...request, showHidden })
    for (const amount of [1, 3, 9, 100]) expect(await all(branches(false), {}, amount)).toEqual(visible)
    expect(await all(branches(true), { prefix: 'a' }, 2)).toEqual(['a', 'a-b', 'a_b', 'aa', 'ab'])
    const tags = ['ü', 'u', '\uffee', '😀', 'z', 'ä', 'a%', '~']
    for (const tag of tags) await createTag(db(), uid, tag as TagName, root.id)
    for (const amount of [1, 4, 100])
      expect(await all((request) => listTags(db(), uid, request), {}, amount)).toEqual([...tags].sort(bytewise))
    expect(await all((request) => listTags(db(), uid, request), { prefix: '😀' }, 1)).toEqual(['😀'])
    expect(await all((request) => listTags(db(), uid, request), { prefix: 'a%' }, 1)).toEqual(['a%'])
    expect(await all((request) => listTags(db(), uid, request), { after: 'zz' }, 2)).toEqual([
      '~',
      'ä',
      'ü',
      '\uffee',
      '😀',
    ])
  })

  test('a commit record that is there stays', async () => {
    const { uid } = await newRepository(db())
    const commit = fakeCommit({ id: hexId<CommitId>(randomUUID()), message: 'first' })
    await insertCommit(db(), uid, commit)
    await insertCommit(db(), uid, { ...commit, message: 'second' })
    expect(
      await db().run({ name: '', text: 'SELECT message FROM commits WHERE repo_uid = $1::uuid AND id = $2' }, [
        uid,
        commit.id,
      ]),
    ).toEqual([{ message: 'first' }])
  })
})
