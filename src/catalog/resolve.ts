/** Names as clients write them → records, with the caller's credentials checked on the way. */
import { DomainError, isDomainError } from '../errors.ts'
import type { BranchName, Repository } from '../model.ts'
import { parseBranchName, parseRefExpression, parseRepositoryName } from '../refs/names.ts'
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

/** The branch `branch` with its staging. @throws repository_not_found, branch_not_found, invalid_argument */
export async function findBranch(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  branch: string,
): Promise<ResolvedRef & { readonly name: BranchName }> {
  const name = parseBranchName(branch)
  const expression = parseRefExpression(name)
  const resolving = resolveRef(catalog.db, catalog.commits, parseRepositoryName(repository), expression)
  const { ref } = await onBranch(
    caller,
    resolving.then((ref) => ({ ref })),
    'branch not found',
  )
  return { ...ref, name }
}

/**
 * What was resolved as a branch, by whichever statement, with the caller's credentials checked. lakeFS has two texts for one that is
 * not there: objects' name it, the others' do not.
 *
 * @throws branch_not_found with `text`, and what resolving throws
 */
export async function onBranch<Found extends { readonly ref: ResolvedRef }>(
  caller: Caller,
  resolving: Promise<Found>,
  text: string,
): Promise<Found> {
  let found: Found
  try {
    found = await resolving
  } catch (cause) {
    throw isDomainError(cause, 'ref_not_found') ? new DomainError('branch_not_found', text, { cause }) : cause
  }
  const { ref } = found
  const checked = check(caller, ref.repository, ref.versions)
  if (checked !== undefined) await checked
  if (ref.kind !== 'branch') throw new DomainError('branch_not_found', text)
  return found
}

/** @throws read_only unless `force` */
export function refuseReadOnly(repository: Repository, force: boolean): void {
  if (repository.readOnly && !force) throw new DomainError('read_only', 'read-only repository')
}
