/** The sample data of a new repository. */
import { createHash } from 'node:crypto'
import { encodeEntry } from '../committed/entry.ts'
import type { ObjectPath, Repository } from '../model.ts'
import { setProtectedBranches } from '../refs/repositories.ts'
import { registerPartition } from '../upload/partitions.ts'
import type { Caller, Catalog } from './catalog.ts'
import { now } from './clock.ts'
import { commit } from './commits.ts'
import { sampleFiles } from './sample-content.ts'

/**
 * Puts the sample files on the default branch of a new repository, commits them and, as lakeFS does, protects the branch.
 * @throws storage_*, outcome_unknown, database_unavailable
 */
export async function addSampleData(
  catalog: Catalog,
  caller: Caller,
  repository: Repository,
  committer: string,
): Promise<void> {
  const { adapter } = catalog.registry.get(repository.storageId)
  const rows = sampleFiles.map(async ({ path, contentType, text }) => {
    const bytes = Buffer.from(text)
    const address = await catalog.addresses.next((partition) => registerPartition(catalog.db, partition))
    await adapter.put(adapter.locate(repository.namespace, address), bytes, { unique: true, contentType })
    const value = encodeEntry({
      address,
      addressType: 'relative',
      lastModified: now(),
      sizeBytes: bytes.length,
      eTag: createHash('md5').update(bytes).digest('hex'),
      metadata: {},
      contentType,
    })
    return { path: Buffer.from(path) as ObjectPath, value }
  })
  const { uid, name, defaultBranch } = repository
  await catalog.stage.stage(uid, defaultBranch, await Promise.all(rows))
  await commit(catalog, caller, {
    repository: name,
    branch: defaultBranch,
    message: 'Add sample data',
    metadata: {},
    committer,
    dateSeconds: null,
    sourceTree: null,
    allowEmpty: false,
    force: true,
  })
  await setProtectedBranches(catalog.db, uid, [defaultBranch], null)
}
