/** Repositories and commits for tests of rooms that do not build trees. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Db } from '../../src/db/db.ts'
import type {
  BranchName,
  Commit,
  CommitId,
  MetaRangeId,
  Repository,
  RepositoryName,
  RepositoryUid,
  StorageId,
  StorageNamespace,
} from '../../src/model.ts'
import { createRepository } from '../../src/refs/repositories.ts'

/** 64 hex characters made from `seed`. */
export function hexId<Id extends CommitId | MetaRangeId = CommitId>(seed: string | number): Id {
  return createHash('sha256').update(String(seed)).digest('hex') as Id
}

/** A commit record whose id does not hash its content. */
export function fakeCommit(fields: Partial<Commit> = {}): Commit {
  return {
    id: randomBytes(32).toString('hex') as CommitId,
    committer: 'tester',
    message: 'a commit',
    creationDate: { seconds: 1_700_000_000, nanos: 0 },
    metaRangeId: hexId<MetaRangeId>(randomUUID()),
    metadata: {},
    parents: [],
    version: 1,
    generation: 1,
    ...fields,
  }
}

/** A repository with the branch `main` at `root`, in a namespace of its own. */
export async function newRepository(
  db: Db,
  fields: Partial<Repository> = {},
): Promise<Repository & { main: BranchName; root: Commit }> {
  const id = randomBytes(6).toString('hex')
  const repository: Repository = {
    uid: randomUUID() as RepositoryUid,
    name: `repo-${id}` as RepositoryName,
    storageId: 'one' as StorageId,
    homeStorageId: 'one' as StorageId,
    namespace: `mem://${id}` as StorageNamespace,
    defaultBranch: 'main' as BranchName,
    createdAtSeconds: 1_700_000_000,
    readOnly: false,
    protectedBranches: [],
    ...fields,
  }
  const root = fakeCommit({ message: 'Repository created', metaRangeId: '' as MetaRangeId })
  await createRepository(db, { repository, canonicalNamespace: ['mem', id], initialCommit: root })
  return { ...repository, main: 'main' as BranchName, root }
}
