/** Symlink files: for each folder of a branch the addresses of its objects, as Hive's `SymlinkTextInputFormat` reads them. */
import { isUtf8 } from 'node:buffer'
import { DomainError, isDomainError } from '../errors.ts'
import type { Caller, Catalog } from './catalog.ts'
import { listObjects, type ObjectRecord } from './entries.ts'
import { findBranch } from './resolve.ts'
import { storeLines } from './store-lines.ts'

export interface SymlinkRequest {
  readonly repository: string
  readonly branch: string
  /** Only objects whose path starts with it; empty: all. */
  readonly prefix: Buffer
}

const ROOT = 'symlinks'
const SLASH = Buffer.from('/')
const PAGE = 1000

/**
 * Writes `symlinks/<repository>/<branch>/<folder>/symlink.txt` under the repository's namespace for every folder that has objects of
 * its own, one address a line, over what an earlier call wrote there; answers the URI of `symlinks`. Nothing of the repository
 * changes, so neither protection nor `read_only` is in the way. Writes to the branch meanwhile may or may not be seen. When it fails,
 * the files of some folders are new.
 *
 * @throws repository_not_found, branch_not_found, address_invalid for folders whose names the storage cannot have, storage_*
 */
export async function createSymlinkFiles(catalog: Catalog, caller: Caller, wanted: SymlinkRequest): Promise<string> {
  const { repository, name } = await findBranch(catalog, caller, wanted.repository, wanted.branch)
  const { adapter } = catalog.registry.get(repository.storageId)
  const under = `${ROOT}/${repository.name}/${name}`
  const folders = [wanted.prefix]
  for (let prefix = folders.pop(); prefix !== undefined; prefix = folders.pop()) {
    const folder = prefix
    const place = () => adapter.locate(repository.namespace, `${under}/${folderOf(folder)}symlink.txt`)
    try {
      await storeLines(adapter, addressesIn(catalog, caller, wanted, prefix, folders), place)
    } catch (cause) {
      if (!isDomainError(cause, 'address_invalid', 'storage_exists')) throw cause
      const reason = `cannot write a symlink file for folder "${folder}": ${cause.message}`
      throw new DomainError('address_invalid', reason, { cause })
    }
  }
  return `${repository.namespace.replace(/\/+$/, '')}/${ROOT}`
}

/** Addresses of the objects right under `prefix`; the folders found on the way are added to `folders`. */
async function* addressesIn(
  catalog: Catalog,
  caller: Caller,
  { repository, branch }: SymlinkRequest,
  prefix: Buffer,
  folders: Buffer[],
): AsyncGenerator<string> {
  let after = Buffer.alloc(0)
  for (;;) {
    const page = await listObjects(catalog, caller, repository, branch, {
      prefix,
      after,
      delimiter: SLASH,
      amount: PAGE,
    })
    for (const item of page.items) {
      if ('commonPrefix' in item) folders.push(item.commonPrefix)
      else yield addressLine(item)
    }
    if (!page.hasMore) return
    after = Buffer.from(page.nextOffset)
  }
}

/** A line break would make two addresses of one. */
function addressLine({ uri, path }: ObjectRecord): string {
  if (!/[\r\n]/.test(uri)) return uri
  throw new DomainError('address_invalid', `cannot write the address of "${path}" on a line: it has a line break`)
}

/** The folder that a prefix lies in, with its slash; `""` for the root. @throws address_invalid when its name is no text */
function folderOf(prefix: Buffer): string {
  const folder = prefix.subarray(0, prefix.lastIndexOf(SLASH) + 1)
  if (isUtf8(folder)) return folder.toString()
  throw new DomainError('address_invalid', `cannot write a symlink file for folder "${folder}": its name is not UTF-8`)
}
