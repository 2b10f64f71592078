/** Branches: made, found, listed, deleted. */
import { DomainError, isDomainError } from '../errors.ts'
import type { CommitId } from '../model.ts'
import * as records from '../refs/branches.ts'
import { parseBranchName } from '../refs/names.ts'
import type { Page, PageRequest } from '../refs/page.ts'
import { type ResolvedRef, requireCommit } from '../refs/resolve.ts'
import type { Caller, Catalog } from './catalog.ts'
import { findRef, findRepository, refuseReadOnly } from './resolve.ts'

export interface BranchCreation {
  readonly repository: string
  readonly name: string
  /** A ref expression; its commit becomes the branch's head. */
  readonly source: string
  readonly hidden: boolean
  /** Also in a read-only repository. */
  readonly force: boolean
}

/** Makes a branch; answers its head. @throws already_exists, conflict, ref_not_found, invalid_argument, read_only */
export async function createBranch(catalog: Catalog, caller: Caller, wanted: BranchCreation): Promise<CommitId> {
  const name = parseBranchName(wanted.name, 'name')
  const source = await findSource(catalog, caller, wanted)
  refuseReadOnly(source.repository, wanted.force)
  const commitId = requireCommit(source)
  await records.createBranch(catalog.db, source.repository.uid, name, commitId, { hidden: wanted.hidden })
  return commitId
}

async function findSource(
  catalog: Catalog,
  caller: Caller,
  { repository, source }: BranchCreation,
): Promise<ResolvedRef> {
  try {
    return await findRef(catalog, caller, repository, source)
  } catch (cause) {
    if (!isDomainError(cause, 'ref_not_found')) throw cause
    throw new DomainError('ref_not_found', `source reference '${source}': not found`, { cause })
  }
}

/** @throws branch_not_found */
export async function getBranch(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  branch: string,
): Promise<records.Branch> {
  const name = parseBranchName(branch)
  const { uid } = await findRepository(catalog, caller, repository)
  return records.getBranch(catalog.db, uid, name)
}

/** A page of branches by name; hidden ones only when asked for. @throws repository_not_found */
export async function listBranches(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  listing: PageRequest & { readonly showHidden: boolean },
): Promise<Page<records.Branch>> {
  const { uid } = await findRepository(catalog, caller, repository)
  return records.listBranches(catalog.db, uid, listing)
}

/** Deletes a branch and drops what was not committed on it. @throws branch_not_found, default_branch, read_only */
export async function deleteBranch(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  branch: string,
  force: boolean,
): Promise<void> {
  const name = parseBranchName(branch)
  const found = await findRepository(catalog, caller, repository)
  refuseReadOnly(found, force)
  if (name === found.defaultBranch) throw new DomainError('default_branch', 'cannot delete repository default branch')
  await records.deleteBranch(catalog.db, found.uid, name)
}
