import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { commit } from '../../src/catalog/commits.ts'
import { compactBranch } from '../../src/catalog/compact.ts'
import { listObjects } from '../../src/catalog/entries.ts'
import { stageObject } from '../../src/catalog/external-objects.ts'
import { resetBranch } from '../../src/catalog/reset.ts'
import { deleteObject } from '../../src/catalog/write-objects.ts'
import { BlockCache } from '../../src/committed/block-cache.ts'
import { isDomainError } from '../../src/errors.ts'
import { createCommitCache } from '../../src/refs/commits.ts'
import { createGatheringWriter } from '../../src/staging/gather.ts'
import { anybody, catalogOver } from '../support/catalog.ts'
import { describeOnDatabases } from '../support/databases.ts'
import { newRepository } from '../support/repository.ts'

const WRITERS = 4
const WRITES = 40
const none = Buffer.alloc(0)

/** Outcomes that a busy branch may have. */
async function unless(codes: Parameters<typeof isDomainError>[1][], work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isDomainError(error, ...codes)) return false
    throw error
  }
}

describeOnDatabases('compactions beside everything else', (db) => {
  test('lose no acknowledged write, and bring none back', { timeout: 120_000 }, async () => {
    const target = await newRepository(db())
    const one = { ...catalogOver(db()), stage: createGatheringWriter(db()) }
    // A second server: the same storage and database, nothing in memory in common.
    const two: Catalog = {
      ...one,
      stage: createGatheringWriter(db()),
      blockCache: new BlockCache(1 << 20),
      commits: createCommitCache(),
    }
    const expected = new Map<string, number>()
    let writing = WRITERS
    const counts = { commits: 0, compactions: 0, resets: 0 }
    const busy = () => writing > 0 || Object.values(counts).includes(0)

    async function write(catalog: Catalog, name: number): Promise<void> {
      const at = (path: string) => ({ repository: target.name, branch: 'main', path: Buffer.from(path), force: false })
      const put = (path: string, sizeBytes: number) =>
        stageObject(catalog, anybody, {
          ...at(path),
          physicalAddress: `${target.namespace}/data/${path}-${sizeBytes}`,
          checksum: String(sizeBytes),
          sizeBytes,
          mtimeSeconds: 1,
          metadata: {},
          contentType: null,
        })
      for (let n = 0; n < WRITES; n++) {
        const path = `kept/${name}-${n % 15}`
        await put(path, n)
        expected.set(path, n)
        await put(`reset/${name}-${n}`, n)
        if (n % 3 !== 0) continue
        const gone = `kept/${name}-${(n * 7) % 15}`
        await deleteObject(catalog, anybody, at(gone))
        expected.delete(gone)
      }
      writing--
    }
    async function commits(catalog: Catalog): Promise<void> {
      const request = {
        message: '',
        metadata: {},
        committer: '',
        dateSeconds: null,
        sourceTree: null,
        allowEmpty: false,
        force: false,
      }
      while (busy()) {
        const made = commit(catalog, anybody, { ...request, repository: target.name, branch: 'main' })
        if (await unless(['no_changes', 'contended'], made)) counts.commits++
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    async function compactions(catalog: Catalog, leaseMs: number): Promise<void> {
      while (busy()) {
        if (await compactBranch(catalog, target, target.main, { leaseMs })) counts.compactions++
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    async function resets(catalog: Catalog): Promise<void> {
      const scope = { type: 'prefix', prefix: Buffer.from('reset/') } as const
      while (busy()) {
        const done = resetBranch(catalog, anybody, { repository: target.name, branch: 'main', scope, force: false })
        if (await unless(['contended'], done)) counts.resets++
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }

    await Promise.all([
      ...Array.from({ length: WRITERS }, (_, name) => write(name % 2 === 0 ? one : two, name)),
      commits(one),
      commits(two),
      compactions(one, 60_000),
      // Takes the other's lease now and then, so that two at a time happen.
      compactions(two, 100),
      resets(two),
    ])
    for (const catalog of [one, two]) {
      const listing = { prefix: Buffer.from('kept/'), after: none, delimiter: none, amount: 1000 }
      const page = await listObjects(catalog, anybody, target.name, 'main', listing)
      const found = page.items.map((item) => ('commonPrefix' in item ? [] : [`${item.path}`, item.entry.sizeBytes]))
      expect(found.sort()).toEqual([...expected].sort())
    }
  })
})
