/** Tags: made, found, listed, deleted. */
import { parseNewTagName, parseTagName } from '../refs/names.ts'
import type { Page, PageRequest } from '../refs/page.ts'
import { requireCommit } from '../refs/resolve.ts'
import * as records from '../refs/tags.ts'
import type { Caller, Catalog } from './catalog.ts'
import { findRef, findRepository, refuseReadOnly } from './resolve.ts'

export interface TagCreation {
  readonly repository: string
  readonly name: string
  /** A ref expression; the tag names its commit for ever. */
  readonly ref: string
  /** Also in a read-only repository. It never moves a tag that exists. */
  readonly force: boolean
}

/** Makes a tag. @throws already_exists, conflict (a branch or a commit has that name), ref_not_found, invalid_argument, read_only */
export async function createTag(catalog: Catalog, caller: Caller, wanted: TagCreation): Promise<records.Tag> {
  const name = parseNewTagName(wanted.name, 'id')
  const source = await findRef(catalog, caller, wanted.repository, wanted.ref)
  refuseReadOnly(source.repository, wanted.force)
  const commitId = requireCommit(source)
  await records.createTag(catalog.db, source.repository.uid, name, commitId)
  return { name, commitId }
}

/** @throws tag_not_found */
export async function getTag(catalog: Catalog, caller: Caller, repository: string, tag: string): Promise<records.Tag> {
  const name = parseTagName(tag)
  const { uid } = await findRepository(catalog, caller, repository)
  return records.getTag(catalog.db, uid, name)
}

/** A page of tags by name. @throws repository_not_found */
export async function listTags(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  listing: PageRequest,
): Promise<Page<records.Tag>> {
  const { uid } = await findRepository(catalog, caller, repository)
  return records.listTags(catalog.db, uid, listing)
}

/** Deletes a tag; its commit stays. @throws tag_not_found, read_only */
export async function deleteTag(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  tag: string,
  force: boolean,
): Promise<void> {
  const name = parseTagName(tag)
  const found = await findRepository(catalog, caller, repository)
  refuseReadOnly(found, force)
  await records.deleteTag(catalog.db, found.uid, name)
}
