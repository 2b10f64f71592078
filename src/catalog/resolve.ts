/** Names as clients write them → records, with the caller's credentials checked on the way. */
import { DomainError } from '../errors.ts'
import type { Repository } from '../model.ts'
import { parseRefExpression, parseRepositoryName } from '../refs/names.ts'
import { getRepository } from '../refs/repositories.ts'
import type { Versions } from '../refs/repository-row.ts'
import { type ResolvedRef, resolveRef } from '../refs/resolve.ts'
import type { Caller, Catalog } from './catalog.ts'

/** Lets the caller compare its credentials with what a statement has read. */
export function check(caller: Caller, repository: Repository, versions: Versions): void | Promise<void> {
  return caller.checkVersions({ authVersion: String(versions.auth), storageId: repository.storageId })
}

/** The repository `name`. @throws repository_not_found, invalid_argument */
export async function findRepository(catalog: Catalog, caller: Caller, name: string): Promise<Repository> {
  const { repository, versions } = await getRepository(catalog.db, parseRepositoryName(name))
  await check(caller, repository, versions)
  return repository
}

/** What `expression` names in the repository `name`. @throws repository_not_found, ref_not_found, invalid_ref, invalid_argument */
export async function findRef(
  catalog: Catalog,
  caller: Caller,
  name: string,
  expression: string,
): Promise<ResolvedRef> {
  const ref = await resolveRef(catalog.db, catalog.commits, parseRepositoryName(name), parseRefExpression(expression))
  await check(caller, ref.repository, ref.versions)
  return ref
}

/** @throws read_only unless `force` */
export function refuseReadOnly(repository: Repository, force: boolean): void {
  if (repository.readOnly && !force) throw new DomainError('read_only', 'read-only repository')
}
