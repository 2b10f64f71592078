/** Sample data: stored before its repository exists, which then comes into being with it or not at all. */
import type { Storage } from '../block/registry.ts'
import { writeTree } from '../committed/commit-tree.ts'
import { encodeEntry } from '../committed/entry.ts'
import { commitId } from '../committed/identity.ts'
import type { Commit, Cursor, ObjectPath, Repository } from '../model.ts'
import { parseObjectPath } from '../refs/names.ts'
import { registerPartition } from '../upload/partitions.ts'
import { verifyBytes } from '../upload/verified-body.ts'
import { type Catalog, tablesOf } from './catalog.ts'
import { now } from './clock.ts'
import { type SampleFile, sampleFiles } from './sample-files.ts'

interface TreeRecord {
  readonly key: ObjectPath
  readonly value: Buffer
}

/**
 * Stores the sample files and their tree in the repository's namespace; answers the commit on top of `parent` that holds them. No
 * record is written: what fails, or is never referred to, is garbage.
 *
 * @throws storage_*
 */
export async function storeSampleData(
  catalog: Catalog,
  repository: Repository,
  parent: Commit,
  committer: string,
): Promise<Commit> {
  const storage = catalog.registry.get(repository.storageId)
  const records: TreeRecord[] = []
  for (const file of sampleFiles()) records.push(await storeFile(catalog, storage, repository, file))
  records.sort((left, right) => Buffer.compare(left.key, right.key))
  const { store } = tablesOf(catalog, repository)
  const metaRangeId = await writeTree(cursorOver(records), { store, policy: catalog.options.rangePolicy })
  const content = {
    committer,
    message: 'Add sample data',
    creationDate: now(),
    metaRangeId,
    metadata: {},
    parents: [parent.id],
  }
  return { ...content, id: commitId(content), version: 1, generation: parent.generation + 1 }
}

async function storeFile(
  catalog: Catalog,
  { adapter }: Storage,
  { namespace }: Repository,
  { path, contentType, text }: SampleFile,
): Promise<TreeRecord> {
  const address = await catalog.addresses.next((partition) => registerPartition(catalog.db, partition))
  const verified = verifyBytes(Buffer.from(text), { sizeBytes: null, md5: null })
  await adapter.put(adapter.locate(namespace, address), verified.body, { unique: true, contentType })
  const { sizeBytes, md5Hex } = verified.received()
  const value = encodeEntry({
    address,
    addressType: 'relative',
    lastModified: now(),
    sizeBytes,
    eTag: md5Hex,
    metadata: {},
    contentType,
  })
  return { key: parseObjectPath(Buffer.from(path)), value }
}

function cursorOver(records: readonly TreeRecord[]): Omit<Cursor, 'seek'> {
  let at = -1
  const record = () => {
    const current = records[at]
    if (current === undefined) throw new Error('the cursor stands on no record')
    return current
  }
  return {
    get key() {
      return record().key
    },
    get value() {
      return record().value
    },
    next: () => ++at < records.length,
  }
}
