/** A repository and the versions as statements return them. */
import type {
  BranchName,
  Repository,
  RepositoryName,
  RepositorySummary,
  RepositoryUid,
  StorageId,
  StorageNamespace,
} from '../model.ts'

/** What the installation's caches are checked against: a server that holds older copies reloads before it answers. */
export interface Versions {
  /** Users, credentials, policies. */
  readonly auth: number
  readonly storage: number
}

/** SQL: the columns of `SummaryRow` from the table alias `r`. */
export const summaryColumns =
  'r.uid, r.name, r.storage_id, r.home_storage_id, r.namespace, r.default_branch, r.created_at_seconds, r.read_only'

/** SQL: the columns of `RepositoryRow` from the table alias `r`. */
export const repositoryColumns = `${summaryColumns}, r.protected_branches`

/** SQL: the columns of `VersionsRow` from the table alias `i`. */
export const versionsColumns = 'i.auth_version, i.storage_version'

/** int8 comes as text, from inside JSON as a number. */
export interface SummaryRow {
  readonly uid: RepositoryUid
  readonly name: RepositoryName
  readonly storage_id: StorageId
  readonly home_storage_id: StorageId
  readonly namespace: StorageNamespace
  readonly default_branch: BranchName
  readonly created_at_seconds: string | number
  readonly read_only: boolean
}

export interface RepositoryRow extends SummaryRow {
  readonly protected_branches: readonly string[]
}

export interface VersionsRow {
  readonly auth_version: string | number
  readonly storage_version: string | number
}

export function toSummary(row: SummaryRow): RepositorySummary {
  return {
    uid: row.uid,
    name: row.name,
    storageId: row.storage_id,
    homeStorageId: row.home_storage_id,
    namespace: row.namespace,
    defaultBranch: row.default_branch,
    createdAtSeconds: Number(row.created_at_seconds),
    readOnly: row.read_only,
  }
}

export function toRepository(row: RepositoryRow): Repository {
  return { ...toSummary(row), protectedBranches: row.protected_branches }
}

export function toVersions(row: VersionsRow): Versions {
  return { auth: Number(row.auth_version), storage: Number(row.storage_version) }
}
