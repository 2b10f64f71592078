import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLocalAdapter } from '../../adapters/local.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import { overlaps } from '../../src/block/namespace.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { streamFile } from '../../src/runtime/file-body.ts'
import { bytesOf, describeAdapter, ODD_KEYS, refused, streamed } from '../block/adapter-contract.ts'
import { localDefinition } from '../support/definitions.ts'

const platform = { fileBody: streamFile }
const NAMESPACE = 'local://repo/one' as StorageNamespace

for (const fsync of [true, false]) {
  describeAdapter(`local, fsync ${fsync}`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'local-'))
    const adapter = createLocalAdapter(localDefinition(root, { fsync }), platform)
    return {
      adapter,
      namespace: NAMESPACE,
      oddKeys: ODD_KEYS,
      refusedKeys: [
        '../escape',
        'a/../../escape',
        'a/..',
        './a',
        'a//b',
        '/absolute',
        'nul\0byte',
        'folder/',
        `${'long'.repeat(64)}`,
        'deep/'.repeat(1000),
      ],
      nests: false,
      minimumPartBytes: 1000,
      multiPartStreamBytes: 2_000_000,
      fetch,
      async close() {
        await adapter.close()
        expect(readdirSync(join(root, 'repo/one/fresh')).filter((name) => name.startsWith('.'))).toEqual([])
        rmSync(root, { recursive: true })
      },
    }
  })
}

describe('local disk', () => {
  let folder: string
  let root: string
  let adapter: BlockAdapter
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'local-'))
    root = join(folder, 'lake')
    mkdirSync(join(folder, 'lake-secret'))
    mkdirSync(join(folder, 'import/sub'), { recursive: true })
    mkdirSync(join(folder, 'import-secret'))
    writeFileSync(join(folder, 'lake-secret/file'), 'secret')
    writeFileSync(join(folder, 'import-secret/file'), 'secret')
    for (const name of ['import/a', 'import/sub/b', 'import/.hidden', 'import/b 100%.bin']) {
      writeFileSync(join(folder, name), name)
    }
    symlinkSync('../lake-secret/file', join(folder, 'import/link'))
    symlinkSync('../lake-secret', join(folder, 'import/linked'))
    const allowedExternalPrefixes = [join(folder, 'import')]
    adapter = createLocalAdapter(localDefinition(root, { importEnabled: true, allowedExternalPrefixes }), platform)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('objects lie where lakeFS puts them', async () => {
    const location = adapter.locate(NAMESPACE, 'data/part/object')
    await adapter.put(location, Buffer.from('bytes'))
    expect(readFileSync(join(root, 'repo/one/data/part/object'), 'utf8')).toBe('bytes')
    expect(location.uri).toBe(`local://${root}/repo/one/data/part/object`)
    expect(adapter.locateFull(location.uri)).toEqual(location)
  })

  test('full addresses reach the root and the allowed folders, by segment and real path', async () => {
    const read = async (path: string) =>
      (await bytesOf(await adapter.get(adapter.locateFull(`local://${path}`)))).toString()
    expect(await read(join(folder, 'import/a'))).toBe('import/a')
    expect(await read(join(folder, 'import/b 100%.bin'))).toBe('import/b 100%.bin')
    const outside = [
      'lake-secret/file',
      'import-secret/file',
      'import/link',
      'import/linked/file',
      'import/linked/new',
      '',
    ]
    for (const name of outside) await refused(read(`${folder}/${name}`), 'address_invalid')
    for (const path of [
      '/etc/passwd',
      `${folder}/import/../lake-secret/file`,
      `${root}/_multipart/x/y`,
      'repo/one/data/x',
    ]) {
      await refused(read(path), 'address_invalid')
    }
  })

  test('a root behind a symbolic link is one place', () => {
    symlinkSync('lake', join(folder, 'alias'))
    const aliased = createLocalAdapter(localDefinition(join(folder, 'alias')), platform)
    expect(aliased.place).toBe(adapter.place)
    const [a, b] = [aliased.canonicalNamespace(NAMESPACE), adapter.canonicalNamespace(NAMESPACE)]
    expect(overlaps(a, b)).toBe(true)
    const nested = createLocalAdapter(localDefinition(join(root, 'repo')), platform)
    expect(overlaps(nested.canonicalNamespace('local://one' as StorageNamespace), b)).toBe(true)
    expect(overlaps(nested.canonicalNamespace('local://other' as StorageNamespace), b)).toBe(false)
  })

  test('an import listing stays inside its folder, skips links and dot files', async () => {
    const names = async (prefix: string) =>
      (await adapter.list(adapter.locateFull(`local://${prefix}`))).objects.map(({ location }) =>
        location.key.slice(folder.length + 1),
      )
    const all = ['import/a', 'import/b 100%.bin', 'import/sub/b']
    expect(await names(join(folder, 'import'))).toEqual(all)
    expect(await names(`${folder}/import/`)).toEqual(all)
    expect(await names(`${folder}/import/s`)).toEqual(['import/sub/b'])
    const seeing = createLocalAdapter(
      localDefinition(root, { importHidden: true, allowedExternalPrefixes: [join(folder, 'import')] }),
      platform,
    )
    const { objects } = await seeing.list(seeing.locateFull(`local://${folder}/import/`))
    expect(objects.map(({ location }) => location.key)).toContain(join(folder, 'import/.hidden'))
  })

  test('namespaces stay below the root', () => {
    for (const namespace of ['local://..', 'local://a/../..', 'local://.', 'local://_multipart/x', 'local:///abs']) {
      expect(() => adapter.locate(namespace as StorageNamespace, 'x'), namespace).toThrow('storage namespace')
    }
  })

  test('folders are not objects, and files are not folders', async () => {
    await adapter.put(adapter.locate(NAMESPACE, 'a/b'), Buffer.from('x'))
    const parent = adapter.locate(NAMESPACE, 'a')
    const below = adapter.locate(NAMESPACE, 'a/b/c')
    expect(await adapter.exists(parent)).toBe(false)
    await refused(adapter.get(parent), 'storage_not_found')
    await refused(adapter.getTail(parent, 5), 'storage_not_found')
    await refused(adapter.put(parent, Buffer.from('y')), 'address_invalid')
    await refused(adapter.get(below), 'storage_not_found')
    await refused(adapter.put(below, Buffer.from('y')), 'address_invalid', 'storage_exists')
    await adapter.remove(below)
  })

  test('a folder that somebody removes is made again', async () => {
    await adapter.put(adapter.locate(NAMESPACE, 'd/1'), Buffer.from('x'), { unique: true })
    rmSync(join(root, 'repo'), { recursive: true })
    await adapter.put(adapter.locate(NAMESPACE, 'd/2'), Buffer.from('y'), { unique: true })
    expect(readFileSync(join(root, 'repo/one/d/2'), 'utf8')).toBe('y')
  })

  test('many at once in new folders', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `many/${index % 7}/${index % 3}/${index}`)
    await Promise.all(
      names.map((name) => adapter.put(adapter.locate(NAMESPACE, name), Buffer.from(name), { unique: true })),
    )
    const { objects } = await adapter.list(adapter.locate(NAMESPACE, 'many/'))
    expect(objects).toHaveLength(200)
  })

  test('a stream that is not read to its end closes its file', async () => {
    const location = adapter.locate(NAMESPACE, 'big')
    const chunk = Buffer.alloc(1024 * 1024, 1)
    await adapter.put(location, streamed([chunk, chunk, chunk, chunk, chunk], 5 * chunk.length))
    const openFiles = () => readdirSync('/proc/self/fd').length
    const before = openFiles()
    for (let round = 0; round < 20; round++) {
      const { body } = await adapter.get(location)
      if (!(body instanceof ReadableStream)) throw new Error('expected a stream')
      const reader = body.getReader()
      if (round % 2 === 0) await reader.read()
      await reader.cancel()
    }
    expect(openFiles()).toBe(before)
  })

  test('a root that cannot be opened says why', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => createLocalAdapter(localDefinition(join(folder, 'file/root')), platform)).toThrow(
      'a part of the path is a file',
    )
    if (process.getuid?.() === 0) return
    chmodSync(folder, 0o500)
    expect(() => createLocalAdapter(localDefinition(join(folder, 'new')), platform)).toThrow('denies access')
    chmodSync(folder, 0o700)
  })
})
