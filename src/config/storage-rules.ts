import type { Fault, Findings } from './faults.ts'
import { expandPath, type FileFacts, isWithin } from './paths.ts'
import { isSection, isTrueAt, type Section, type Tree, textAt, treeAt, wordAt } from './tree.ts'

const sections = ['local', 's3', 'azure', 'gs', 'r2']

/** One storage and the key it stands under. */
interface Store {
  readonly path: string
  readonly tree: Section
}

/** The rules of `blockstore` and `blockstores`. */
export function checkStorages(tree: Section, files: FileFacts, findings: Findings): void {
  const single = treeAt(tree, 'blockstore')
  const many = treeAt(tree, 'blockstores')
  if (single === undefined && many === undefined) {
    findings.faults.push({
      path: 'blockstore',
      message: 'is missing; set blockstore.type for one storage, or blockstores for several',
    })
  } else if (single !== undefined && many !== undefined) {
    findings.faults.push({
      path: 'blockstores',
      message:
        'is given beside blockstore; keep one: move the single storage into blockstores.stores with backward_compatible: true',
    })
  }
  if (isSection(many)) findings.faults.push(...checkList(many))
  const stores = [...storesOf(single, many)]
  for (const store of stores) {
    findings.faults.push(...checkStore(store))
    warnOfUnusedSections(store, findings)
  }
  findings.faults.push(...checkLocalPaths(stores, files))
  warnOfDatabaseInside(tree, stores, files, findings)
}

function* storesOf(single: Tree | undefined, many: Tree | undefined): Generator<Store> {
  if (isSection(single)) yield { path: 'blockstore', tree: single }
  const list = isSection(many) ? many.stores : undefined
  if (!Array.isArray(list)) return
  for (const [index, item] of list.entries()) {
    if (isSection(item)) yield { path: `blockstores.stores[${index}]`, tree: item }
  }
}

function* checkList(many: Section): Generator<Fault> {
  if (textAt(many, 'signing.secret_key') === undefined) {
    yield {
      path: 'blockstores.signing.secret_key',
      message:
        'is missing; give it a long random text, the same on every server: it signs the upload addresses handed to clients',
    }
  }
  const list = many.stores
  if (!Array.isArray(list)) {
    if (list === undefined)
      yield { path: 'blockstores.stores', message: 'is missing; list at least one storage with its id and type' }
    return
  }
  if (list.length === 0)
    yield { path: 'blockstores.stores', message: 'is empty; list at least one storage with its id and type' }
  const places = new Map<string, string>()
  let oldStore: string | null = null
  for (const [index, item] of list.entries()) {
    const path = `blockstores.stores[${index}]`
    const id = textAt(item, 'id')
    if (id !== undefined) {
      const first = places.get(id)
      if (first === undefined) places.set(id, path)
      else
        yield { path: `${path}.id`, message: `is "${id}", and so is ${first}.id; give every storage an id of its own` }
    }
    if (!isTrueAt(item, 'backward_compatible')) continue
    if (oldStore === null) oldStore = path
    else {
      yield {
        path: `${path}.backward_compatible`,
        message: `is true, and so is ${oldStore}.backward_compatible; keep it on the storage that the repositories without a storage id are in`,
      }
    }
  }
}

function* checkStore({ path, tree }: Store): Generator<Fault> {
  const type = wordAt(tree, 'type')
  const given = (key: string): boolean => textAt(tree, key) !== undefined
  if (type === 's3') {
    const keys = ['s3.credentials.access_key_id', 's3.credentials.secret_access_key']
    const half = given('s3.credentials.session_token') || keys.some(given)
    for (const key of keys.filter((name) => half && !given(name))) {
      yield {
        path: `${path}.${key}`,
        message: 'is missing while other credentials are given; give both keys',
      }
    }
  }
  if (type === 'azure' && given('azure.storage_access_key') && !given('azure.storage_account')) {
    yield {
      path: `${path}.azure.storage_account`,
      message: 'is missing while storage_access_key is given; name the account of the key',
    }
  }
  if (type === 'r2' && treeAt(tree, 'r2') === undefined) {
    yield { path: `${path}.r2`, message: 'is missing; give it binding and bucket' }
  }
  if (type !== 'gs') return
  const customer = textAt(tree, 'gs.server_side_encryption_customer_supplied')
  if (customer !== undefined && !/^[0-9a-fA-F]{64}$/.test(customer)) {
    yield {
      path: `${path}.gs.server_side_encryption_customer_supplied`,
      message: 'is not 32 bytes in hex; give it 64 hex digits',
    }
  }
  if (customer !== undefined && given('gs.server_side_encryption_kms_key_id')) {
    yield {
      path: `${path}.gs.server_side_encryption_kms_key_id`,
      message: 'is given beside server_side_encryption_customer_supplied; keep one of the two',
    }
  }
}

function warnOfUnusedSections({ path, tree }: Store, findings: Findings): void {
  const type = wordAt(tree, 'type')
  for (const section of sections) {
    if (type === undefined || section === type || !isSection(tree[section])) continue
    findings.warnings.push({
      path: `${path}.${section}`,
      message: `has no effect, since ${path}.type is ${type}; remove it or change the type`,
    })
  }
}

/** Two storages in one folder would overwrite, list and remove each other's objects. */
function* checkLocalPaths(stores: readonly Store[], files: FileFacts): Generator<Fault> {
  const seen: { key: string; real: string }[] = []
  for (const store of stores) {
    const folder = localFolder(store, files)
    if (folder === null) continue
    const key = `${store.path}.local.path`
    for (const other of seen) {
      if (!isWithin(folder, other.real) && !isWithin(other.real, folder)) continue
      const how =
        folder === other.real ? 'is the same folder as' : isWithin(folder, other.real) ? 'lies inside' : 'holds'
      yield { path: key, message: `${how} ${other.key} (${folder}); give every local storage a folder of its own` }
    }
    seen.push({ key, real: folder })
  }
}

function warnOfDatabaseInside(tree: Section, stores: readonly Store[], files: FileFacts, findings: Findings): void {
  if (wordAt(tree, 'database.type') !== 'local') return
  const database = files.realPath(expandPath(textAt(tree, 'database.local.path') ?? '~/lakefs/metadata', files))
  for (const store of stores) {
    const folder = localFolder(store, files)
    if (folder === null || (!isWithin(database, folder) && !isWithin(folder, database))) continue
    findings.warnings.push({
      path: 'database.local.path',
      message: `shares a folder with ${store.path}.local.path; keep them apart`,
    })
  }
}

function localFolder({ tree }: Store, files: FileFacts): string | null {
  if (wordAt(tree, 'type') !== 'local') return null
  return files.realPath(expandPath(textAt(tree, 'local.path') ?? '~/lakefs/data/block', files))
}
