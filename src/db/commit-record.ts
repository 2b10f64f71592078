/** The row of a commit as statements write it: `refs` and `staging` both do, and neither imports the other. */
import type { Commit } from '../model.ts'
import { uuidArray } from './arrays.ts'
import type { Param } from './db.ts'

/** Columns of `commits` beside `repo_uid`, in the order of `commitValuesSql` and `commitParams`. */
export const commitColumns =
  'id, committer, message, creation_seconds, creation_nanos, metarange_id, metadata, parents, version, generation'

const types = ['text', 'text', 'text', 'int8', 'int4', 'text', 'text::jsonb', 'text::text[]', 'int4', 'int8']

/** SQL: the values of `commitColumns`, from parameter `$first` on. */
export function commitValuesSql(first: number): string {
  return types.map((type, at) => `$${first + at}::${type}`).join(', ')
}

/** The parameters of `commitValuesSql`. */
export function commitParams(commit: Commit): Param[] {
  return [
    commit.id,
    commit.committer,
    commit.message,
    commit.creationDate.seconds,
    commit.creationDate.nanos,
    commit.metaRangeId,
    JSON.stringify(commit.metadata),
    uuidArray(commit.parents),
    commit.version,
    commit.generation,
  ]
}
