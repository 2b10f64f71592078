/** Commits of one branch against each other, in one process and in several: nothing is lost, nobody starves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createMemAdapter } from '../../adapters/mem.ts'
import { createStorageRegistry } from '../../src/block/registry.ts'
import type { Caller, Catalog } from '../../src/catalog/catalog.ts'
import { commit } from '../../src/catalog/commits.ts'
import { listObjects } from '../../src/catalog/entries.ts'
import { stageObject } from '../../src/catalog/external-objects.ts'
import { logCommits } from '../../src/catalog/log.ts'
import { resetBranch } from '../../src/catalog/reset.ts'
import type { Step } from '../../src/catalog/steps.ts'
import { createTurns, type Turns } from '../../src/catalog/turns.ts'
import { deleteObject } from '../../src/catalog/write-objects.ts'
import { BlockCache } from '../../src/committed/block-cache.ts'
import type { Db } from '../../src/db/db.ts'
import { DomainError, isDomainError } from '../../src/errors.ts'
import type { Commit } from '../../src/model.ts'
import { createCommitCache } from '../../src/refs/commits.ts'
import { claimCompaction } from '../../src/staging/compact.ts'
import { sealBranch } from '../../src/staging/seal.ts'
import { createDirectWriter } from '../../src/staging/write.ts'
import { AddressBook } from '../../src/upload/address-book.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { memDefinition } from '../support/definitions.ts'
import { newRepository } from '../support/repository.ts'

const anybody: Caller = { checkVersions: () => undefined }

/** What servers of one installation share. */
function installationOver(db: Db) {
  const registry = createStorageRegistry(
    { signingKey: 'key', stores: [memDefinition('one')] },
    { mem: (definition) => createMemAdapter(definition) },
  )
  return {
    /** Another server: its own caches and turns. */
    server: (through: Db = db): Catalog => ({
      db: through,
      registry,
      stage: createDirectWriter(db),
      blockCache: new BlockCache(1 << 20),
      commits: createCommitCache(),
      addresses: new AddressBook(),
      options: {
        installationId: 'test',
        blockStoragePrefix: '_lakefs',
        rangePolicy: { minRangeSizeBytes: 0, maxRangeSizeBytes: 4000, rangeRaggednessEntries: 50 },
        ensureReadableRootNamespace: false,
      },
      turns: createTurns(),
      observe: () => undefined,
    }),
  }
}

/** The database, with something that happens before each publication outside a transaction. */
function before(db: Db, interfere: () => Promise<unknown>): Db {
  return {
    ...db,
    run: async (statement, params) => {
      if (statement.name === 'publish_commit') await interfere()
      return db.run(statement, params)
    },
  }
}

function branchOf(catalog: Catalog, repository: { name: string; namespace: string }) {
  const target = (path: string) => ({
    repository: repository.name,
    branch: 'main',
    path: Buffer.from(path),
    force: false,
  })
  return {
    put: (path: string, sizeBytes = 1) =>
      stageObject(catalog, anybody, {
        ...target(path),
        physicalAddress: `${repository.namespace}/data/${path}`,
        checksum: String(sizeBytes),
        sizeBytes,
        mtimeSeconds: 1,
        metadata: {},
        contentType: null,
      }),
    remove: (path: string) => deleteObject(catalog, anybody, target(path)),
    /** The commit, null for "no changes", and how many trees were built for it. */
    async commit(message: string, allowEmpty = false): Promise<{ made: Commit | null; trees: number }> {
      let trees = 0
      const observe = (step: Step) => {
        if (step === 'commit.tree-written') trees++
      }
      try {
        const made = await commit({ ...catalog, observe }, anybody, {
          repository: repository.name,
          branch: 'main',
          message,
          metadata: {},
          committer: 'tester',
          dateSeconds: null,
          sourceTree: null,
          allowEmpty,
          force: false,
        })
        return { made, trees }
      } catch (error) {
        if (isDomainError(error, 'no_changes')) return { made: null, trees }
        throw error
      }
    },
    reset: (path?: string) =>
      resetBranch(catalog, anybody, {
        repository: repository.name,
        branch: 'main',
        scope: path === undefined ? { type: 'all' } : { type: 'object', path: Buffer.from(path) },
        force: false,
      }),
    async paths(ref = 'main'): Promise<string[]> {
      const listing = { prefix: Buffer.alloc(0), after: Buffer.alloc(0), delimiter: Buffer.alloc(0), amount: 100_000 }
      const page = await listObjects(catalog, anybody, repository.name, ref, listing)
      return page.items.map((item) => ('commonPrefix' in item ? item.commonPrefix : item.path).toString())
    },
    async log(): Promise<Commit[]> {
      const all = {
        amount: 100_000,
        after: '',
        firstParent: false,
        sinceSeconds: null,
        stopAt: '',
        limited: false,
        paths: null,
      }
      return [...(await logCommits(catalog, anybody, repository.name, 'main', all)).items]
    },
  }
}

/** One unbroken line, each commit once, with one event for each move. */
async function expectChain(db: Db, repoUid: string, log: readonly Commit[]): Promise<void> {
  for (const [at, { parents }] of log.entries()) expect(parents).toEqual(at + 1 < log.length ? [log[at + 1]?.id] : [])
  const events = await db.run<{ old_id: string | null; new_id: string }>(
    {
      name: '',
      text: `SELECT old_id, new_id FROM events WHERE repo_uid = $1::uuid AND name = 'main' ORDER BY id`,
      readOnly: true,
    },
    [repoUid],
  )
  const moves = log.map(({ id, parents }) => ({ old_id: parents[0] ?? null, new_id: id })).reverse()
  expect(events.filter(({ old_id }) => old_id !== null)).toEqual(moves.slice(1))
}

describeOnDatabases('commits under contention', (db) => {
  test('a head that moves without a change of its tree costs no rebuild, and is overtaken under the lock', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    const other = branchOf(installation.server(), repository)
    await other.put('base')
    await other.commit('base')
    await other.put('first')
    let moves = 0
    // Empty commits of somebody who has nothing sealed: they only move the head.
    const moveHead = async () => {
      const { run } = db()
      const [sealed] = await run<{ tokens: string }>(
        {
          name: '',
          text: `SELECT array_to_string(sealed, ',') AS tokens FROM refs WHERE repo_uid = $1::uuid AND name = 'main'`,
        },
        [repository.uid],
      )
      const hide = (tokens: string) =>
        run(
          {
            name: '',
            text: `UPDATE refs SET sealed = string_to_array($2, ',')::uuid[] WHERE repo_uid = $1::uuid AND name = 'main'`,
          },
          [repository.uid, tokens],
        )
      await hide('')
      expect((await other.commit(`move ${moves++}`, true)).made).not.toBeNull()
      await hide(sealed?.tokens ?? '')
    }
    const victim = branchOf(installation.server(before(db(), moveHead)), repository)
    const { made, trees } = await victim.commit('victim')
    expect(made?.message).toBe('victim')
    expect([trees, moves]).toEqual([1, 4])
    expect(await other.paths(made?.id)).toEqual(['base', 'first'])
    const log = await other.log()
    expect(log).toHaveLength(7)
    await expectChain(db(), repository.uid, log)
  })

  test('who loses to a commit that has taken everything is done', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    const other = branchOf(installation.server(), repository)
    let races = 0
    const takeAll = async () => {
      await other.put(`other/${races++}`)
      expect((await other.commit(`take ${races}`)).made).not.toBeNull()
      // Newer changes, sealed or not, are for those who made them.
      await other.put(`later/${races}`)
      if (races === 1) await sealBranch(db(), repository.uid, repository.main)
    }
    await other.put('mine')
    const victim = branchOf(installation.server(before(db(), takeAll)), repository)
    expect((await victim.commit('victim')).made).toBeNull()
    expect(races).toBe(1)
    expect(await other.paths('main@')).toEqual(['mine', 'other/0'])
    // An empty one was asked for in any case: it is made, and leaves what it did not seal.
    await other.put('mine again')
    const { made } = await victim.commit('asked for', true)
    expect(made?.message).toBe('asked for')
    await expectChain(db(), repository.uid, await other.log())
    expect(await other.paths()).toEqual(expect.arrayContaining(['mine again', 'later/1']))
    const trees = await db().run({ name: '', text: 'SELECT 1 FROM trees WHERE repo_uid = $1::uuid' }, [repository.uid])
    expect(trees).toEqual([])
  })

  test('who waits in one server while another commit takes everything is done, and nobody answers early', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    const inner = createTurns()
    let waiting = 0
    const turns: Turns = {
      take(key, work) {
        waiting++
        return inner.take(key, work)
      },
    }
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const other = branchOf(installation.server(), repository)
    let publications = 0
    const interfere = async () => {
      if (publications++ === 0) await released
      // Newer than everything that a commit waits for; without it nobody would have anything to do.
      else await other.put(`newer/${publications}`)
    }
    const { commit: commitHere, put } = branchOf({ ...installation.server(before(db(), interfere)), turns }, repository)
    await put('large')
    const large = commitHere('large')
    while (publications === 0) await sleep(1)
    const answers = Array.from({ length: 10 }, async (_, at) => {
      await put(`small/${at}`)
      const answer = await commitHere(`small ${at}`, at === 9)
      expect(await other.paths('main@')).toContain(`small/${at}`)
      return answer
    })
    while (waiting < 11) await sleep(1)
    release()
    expect((await large).made?.message).toBe('large')
    const all = await Promise.all(answers)
    const made = all.filter((answer) => answer.made !== null)
    // One for all who waited, and the one that was asked for in any case.
    expect(made.length).toBeGreaterThanOrEqual(1)
    expect(made.length).toBeLessThanOrEqual(2)
    await expectChain(db(), repository.uid, await other.log())
  })

  test('a commit of another server that sealed earlier is waited for, not built again', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let held = false
    const large = branchOf(
      installation.server(
        before(db(), () => {
          held = true
          return released
        }),
      ),
      repository,
    )
    await large.put('large')
    const largeCommit = large.commit('large')
    while (!held) await sleep(1)
    let looks = 0
    const small = branchOf(
      installation.server({
        ...db(),
        run: (statement, params) => {
          // Whoever does not look publishes both: then the large one may go on, and has no changes.
          if (statement.name === 'publish_commit' || (statement.name === 'seal_read' && ++looks === 2)) release()
          return db().run(statement, params)
        },
      }),
      repository,
    )
    await small.put('small')
    const { made, trees } = await small.commit('small')
    const { made: first } = await largeCommit
    expect([first?.message, made?.message, trees]).toEqual(['large', 'small', 1])
    expect(made?.parents).toEqual([first?.id])
    await expectChain(db(), repository.uid, await small.log())
  })

  test('what a failed commit or a compaction has sealed is committed without waiting for anybody', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    const fail = () => Promise.reject(new DomainError('storage_unavailable', 'no storage'))
    const failing = branchOf(installation.server(before(db(), fail)), repository)
    let looks = 0
    const next = branchOf(
      installation.server({
        ...db(),
        run: (statement, params) => {
          if (statement.name === 'seal_read') looks++
          return db().run(statement, params)
        },
      }),
      repository,
    )
    await failing.put('first')
    await expect(failing.commit('fails')).rejects.toMatchObject({ code: 'storage_unavailable' })
    await claimCompaction(db(), repository.uid, repository.main, 60_000)
    await sealBranch(db(), repository.uid, repository.main)
    await next.put('second')
    expect((await next.commit('both')).made?.message).toBe('both')
    expect(looks).toBe(1)
    expect(await next.paths('main@')).toEqual(['first', 'second'])
  })

  test('a reset in between is obeyed', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    const other = branchOf(installation.server(), repository)
    await other.put('dropped')
    let resets = 0
    const reset = async () => {
      if (resets++ === 0) await other.reset()
    }
    const victim = branchOf(installation.server(before(db(), reset)), repository)
    expect((await victim.commit('victim')).made).toBeNull()
    expect(await other.paths()).toEqual([])
    expect(await other.log()).toHaveLength(1)
  })

  test('a reset of one path in between is obeyed, and the rest committed', async () => {
    const repository = await newRepository(db())
    const installation = installationOver(db())
    const other = branchOf(installation.server(), repository)
    await other.put('dropped')
    await other.put('kept')
    let resets = 0
    const reset = async () => {
      if (resets++ === 0) await other.reset('dropped')
    }
    const victim = branchOf(installation.server(before(db(), reset)), repository)
    const { made, trees } = await victim.commit('victim')
    expect([made?.message, trees]).toEqual(['victim', 2])
    expect(await other.paths()).toEqual(['kept'])
    expect(await other.paths('main@')).toEqual(['kept'])
  })

  test.each([
    { servers: 1, committers: 16 },
    { servers: 2, committers: 16 },
    { servers: 3, committers: 8 },
  ])(
    '$committers committers on each of $servers servers against 16 writers and a large commit',
    async ({ servers, committers }) => {
      const repository = await newRepository(db())
      const installation = installationOver(db())
      const branches = Array.from({ length: servers }, () => branchOf(installation.server(), repository))
      const pick = (at: number) => branches[at % servers] ?? expect.fail('no server')
      const there = new Set<string>()
      // The large one seals first; its tree takes longest.
      const rows = Array.from({ length: 1000 }, (_, at) => `large/${String(at).padStart(5, '0')}`)
      for (let at = 0; at < rows.length; at += 50)
        await Promise.all(rows.slice(at, at + 50).map((path) => pick(0).put(path)))
      for (const path of rows) there.add(path)
      let working = true
      const writers = Array.from({ length: 16 }, async (_, writer) => {
        for (let n = 0; working; n++) {
          const path = `w/${writer}/${n}`
          await pick(writer).put(path)
          if (n % 5 === 4) await pick(writer + 1).remove(path)
          else there.add(path)
          await sleep(1)
        }
      })
      const acknowledged: Commit[] = []
      let mostTrees = 0
      const commitOnce = async (at: number, message: string) => {
        const { made, trees } = await pick(at).commit(message)
        mostTrees = Math.max(mostTrees, trees)
        if (made !== null) acknowledged.push(made)
      }
      await Promise.all([
        commitOnce(0, 'large'),
        ...Array.from({ length: committers * servers }, async (_, at) => {
          for (let n = 0; n < 2; n++) await commitOnce(at, `${at}/${n}`)
        }),
      ])
      working = false
      await Promise.all(writers)
      await commitOnce(0, 'rest')
      // The first try, once behind somebody who had sealed earlier, once for what a third had taken.
      expect(mostTrees).toBeLessThanOrEqual(servers === 1 ? 1 : 3)
      expect(await pick(0).paths('main@')).toEqual([...there].sort())
      const log = await pick(servers - 1).log()
      const ids = log.map(({ id }) => id)
      expect(ids.slice(0, -1).sort()).toEqual(acknowledged.map(({ id }) => id).sort())
      await expectChain(db(), repository.uid, log)
    },
  )
})
