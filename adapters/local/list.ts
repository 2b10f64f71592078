/** Listing files in the byte order of their paths, page by page; the resume token is the last path, so any server can go on. */
import { type Dirent, lstatSync, readdir, type Stats } from 'node:fs'
import { promisify } from 'node:util'
import type { ListedObject, ListPage, Location } from '../../src/block/adapter.ts'
import { compareKeys } from '../../src/block/byte-order.ts'
import { DomainError } from '../../src/errors.ts'
import { diskError, errnoOf } from './errors.ts'
import { isWithin, MULTIPART_FOLDER } from './paths.ts'
import { fileETag } from './read.ts'
import { TEMPORARY_NAME } from './write.ts'

const readFolder = promisify(readdir)

/** What a listing leaves out and where it stops. */
export interface ListScope {
  /** The storage's own root: dot files in other folders are hidden. */
  readonly root: string
  readonly importHidden: boolean
  readonly after: string
  readonly limit: number
}

/** One page of the files whose path starts with `prefix.key` and that lie in `prefix.container`. Symbolic links are left out. */
export async function listFiles(prefix: Location, scope: ListScope): Promise<ListPage> {
  const objects: ListedObject[] = []
  const above = prefix.key.slice(0, prefix.key.lastIndexOf('/'))
  const start = isWithin(prefix.container, above) ? above : prefix.container
  try {
    for await (const { path, stats } of walk(start, prefix, scope)) {
      const last = objects.at(-1)
      if (objects.length >= scope.limit) return { objects, next: last === undefined ? null : last.location.key }
      objects.push({
        location: { container: prefix.container, key: path, uri: `local://${path}` },
        sizeBytes: stats.size,
        lastModifiedSeconds: Math.floor(stats.mtimeMs / 1000),
        eTag: fileETag(stats),
      })
    }
  } catch (error) {
    throw diskError('list', prefix, error)
  }
  return { objects, next: null }
}

async function* walk(
  folder: string,
  prefix: Location,
  scope: ListScope,
): AsyncGenerator<{ path: string; stats: Stats }, void, undefined> {
  for (const name of await sortedNames(folder, scope)) {
    const path = `${folder}/${name}`
    if (name.endsWith('/')) {
      const isBefore = compareKeys(path, scope.after) < 0 && !scope.after.startsWith(path)
      const canHold = path.startsWith(prefix.key) || prefix.key.startsWith(path)
      if (canHold && !isBefore) yield* walk(path.slice(0, -1), prefix, scope)
    } else if (path.startsWith(prefix.key) && compareKeys(path, scope.after) > 0) {
      const stats = statIfThere(path)
      if (stats !== null) yield { path, stats }
    }
  }
}

/** Names of files, and of folders with a slash after them, which is what puts `a-b` before `a/c`. */
async function sortedNames(folder: string, { root, importHidden }: ListScope): Promise<string[]> {
  const hidesDots = !isWithin(root, folder) && !importHidden
  const names: string[] = []
  for (const entry of await entriesOf(folder)) {
    const { name } = entry
    if (name.includes('\ufffd')) {
      throw new DomainError('address_invalid', `cannot list "${folder}": it holds a name that is not UTF-8`)
    }
    if ((hidesDots && name.startsWith('.')) || TEMPORARY_NAME.test(name)) continue
    if (folder === root && name === MULTIPART_FOLDER) continue
    if (entry.isFile()) names.push(name)
    else if (entry.isDirectory()) names.push(`${name}/`)
  }
  return names.sort(compareKeys)
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readFolder(folder, { withFileTypes: true })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return []
    throw error
  }
}

function statIfThere(path: string): Stats | null {
  try {
    return lstatSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}
