/** A repository as statements return it: one JSON value, so that every driver gives the same shape. */

/** SQL: `Repository` (model.ts) of the row `r`, null when an outer join found none. */
export const repositoryJson = `CASE WHEN r.uid IS NULL THEN NULL ELSE json_build_object('uid', r.uid, 'name', r.name, 'storageId', r.storage_id,
  'homeStorageId', r.home_storage_id, 'namespace', r.namespace, 'defaultBranch', r.default_branch,
  'createdAtSeconds', r.created_at_seconds, 'readOnly', r.read_only) END`

/** SQL: `Versions` of the row `i`. */
export const versionsJson = `json_build_object('auth', i.auth_version, 'storage', i.storage_version)`

/** What the installation's caches are checked against: a server that holds older copies reloads before it answers. */
export interface Versions {
  /** Users, credentials, policies. */
  readonly auth: number
  readonly storage: number
}
