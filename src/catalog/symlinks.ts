/**
 * Symlink manifests: for each folder of a ref a file with the physical addresses of its objects, one a line, as Hive's
 * `SymlinkTextInputFormat` reads them.
 */
import type { Caller, Catalog } from './catalog.ts'
import { listObjects } from './entries.ts'

/** Folder of the manifests under the namespace (lakeFS's). */
const FOLDER = 'symlinks'
const PAGE = 1000
const none = Buffer.alloc(0)

export interface SymlinkRequest {
  readonly repository: string
  readonly ref: string
  /** Only what lies below; empty: everything. */
  readonly prefix: Buffer
}

/** A folder whose objects are not all seen yet. */
interface OpenFolder {
  /** With its slash, `""` for the top. */
  readonly path: string
  readonly addresses: string[]
}

/**
 * Writes `symlinks/<repository>/<ref>/<folder>/symlink.txt` for each folder that has objects; answers where the manifests lie. Holds
 * the addresses of the folders that are open, one inside the other.
 * @throws repository_not_found, ref_not_found, address_invalid for a folder that the storage cannot name, storage_*
 */
export async function writeSymlinks(catalog: Catalog, caller: Caller, request: SymlinkRequest): Promise<string> {
  const { repository: name, ref, prefix } = request
  const open: OpenFolder[] = []
  let page = await listObjects(catalog, caller, name, ref, { prefix, delimiter: none, after: none, amount: PAGE })
  const { repository } = page
  const { adapter } = catalog.registry.get(repository.storageId)

  async function close({ path, addresses }: OpenFolder): Promise<void> {
    if (addresses.length === 0) return
    const location = adapter.locate(repository.namespace, `${FOLDER}/${name}/${ref}/${path}symlink.txt`)
    await adapter.put(location, Buffer.from(addresses.join('\n')), { contentType: 'text/plain; charset=utf-8' })
  }

  for (;;) {
    for (const item of page.items) {
      if ('commonPrefix' in item) continue
      const path = item.path.toString()
      const folder = path.slice(0, path.lastIndexOf('/') + 1)
      // Objects of a folder are in order, but those of its subfolders lie between them.
      for (let last = open.at(-1); last !== undefined && !folder.startsWith(last.path); last = open.at(-1)) {
        open.pop()
        await close(last)
      }
      if (open.at(-1)?.path !== folder) open.push({ path: folder, addresses: [] })
      open.at(-1)?.addresses.push(item.uri)
    }
    if (!page.hasMore) break
    const after = Buffer.from(page.nextOffset)
    page = await listObjects(catalog, caller, name, ref, { prefix, delimiter: none, after, amount: PAGE })
  }
  for (const folder of open) await close(folder)
  return `${repository.namespace.replace(/\/+$/, '')}/${FOLDER}`
}
