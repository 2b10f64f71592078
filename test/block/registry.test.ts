import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLocalAdapter } from '../../adapters/local.ts'
import { createMemAdapter } from '../../adapters/mem.ts'
import { createS3Adapter } from '../../adapters/s3.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import type { StorageDefinition } from '../../src/block/definition.ts'
import { type AdapterFactories, createStorageRegistry } from '../../src/block/registry.ts'
import type { StorageId, StorageNamespace } from '../../src/model.ts'
import { streamFile } from '../../src/runtime/file-body.ts'
import { nodeHttp } from '../../src/runtime/http.ts'
import { localDefinition, memDefinition, s3Definition } from '../support/definitions.ts'
import { refused } from './adapter-contract.ts'

const closed: BlockAdapter[] = []
const factories: AdapterFactories = {
  mem(definition) {
    const adapter = createMemAdapter(definition)
    return {
      ...adapter,
      close() {
        closed.push(adapter)
        return adapter.close()
      },
    }
  },
  local: (definition) => createLocalAdapter(definition, { fileBody: streamFile }),
  s3: (definition) => createS3Adapter(definition, nodeHttp),
}

const id = (text: string) => text as StorageId
const open = (...stores: StorageDefinition[]) => createStorageRegistry({ signingKey: 'key', stores }, factories)
const gs: StorageDefinition = {
  ...memDefinition('google'),
  type: 'gs',
  gs: {
    s3Endpoint: 'https://storage.googleapis.com',
    credentialsFile: null,
    credentialsJson: null,
    dataCredentialsFile: null,
    dataCredentialsJson: null,
    preSignedExpiryMs: 900_000,
    disablePreSigned: false,
    serverSideEncryptionCustomerSupplied: null,
    serverSideEncryptionKmsKeyId: null,
  },
}

test('storages are found by id, in the order they are configured', () => {
  const registry = open(memDefinition('b'), { ...memDefinition('a'), backwardCompatible: true, description: 'old' })
  expect(registry.list().map((storage) => storage.id)).toEqual(['b', 'a'])
  expect(registry.get(id('a'))).toMatchObject({ description: 'old', type: 'mem', signingKey: 'key', downReason: null })
  expect(registry.get(id('')).id).toBe('a')
  expect(registry.has(id('c'))).toBe(false)
  expect(() => registry.get(id('c'))).toThrow('cannot use storage "c": not configured (there are: "b", "a")')
})

test('the empty id is the only storage, or the backward-compatible one, or unknown', () => {
  expect(open(memDefinition('only')).get(id('')).id).toBe('only')
  expect(open(memDefinition('')).get(id('')).id).toBe('')
  expect(open(memDefinition('a'), memDefinition('b')).has(id(''))).toBe(false)
})

test('a storage that cannot be opened is down, says so, and still names places', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'))
  writeFileSync(join(folder, 'file'), '')
  const registry = open(
    gs,
    localDefinition(join(folder, 'file/under'), {}, 'disk'),
    s3Definition({ credentials: null }, 'aws'),
    memDefinition('fine'),
    localDefinition(join(folder, 'fine'), {}, 'fine-disk'),
    s3Definition({ endpoint: 'http://127.0.0.1:9', maxRetries: 0 }, 'unreachable'),
  )
  const { adapter } = registry.get(id('google'))
  const location = adapter.locate('gs://b/p' as StorageNamespace, 'data/x')
  expect(location.uri).toBe('gs://b/p/data/x')
  expect(adapter.canonicalNamespace('gs://b/p' as StorageNamespace)).toEqual(['gs:storage.googleapis.com', 'b', 'p'])
  await expect(adapter.get(location)).rejects.toThrow(
    'cannot use storage "google" (gs): storages of type gs are not supported by this build',
  )
  await refused(adapter.get(location), 'storage_unsupported')
  expect(await adapter.removeMany([location])).toHaveLength(1)
  const disk = registry.get(id('disk')).adapter
  await refused(disk.put(disk.locate('local://r' as StorageNamespace, 'x'), Buffer.from('x')), 'storage_unavailable')
  await refused(registry.get(id('aws')).adapter.exists(location), 'storage_unsupported')
  const health = await registry.health()
  expect(health.map(({ state }) => state)).toEqual(['down', 'down', 'down', 'up', 'up', 'down'])
  expect(health[1]?.reason).toContain('a part of the path is a file')
  expect(health[5]?.reason).toContain('cannot reach')
  await registry.close()
  rmSync(folder, { recursive: true })
})

test('a storage that does not answer is down in time', async () => {
  const hanging: AdapterFactories = {
    mem: (definition) => ({ ...createMemAdapter(definition), ping: () => new Promise(() => undefined) }),
  }
  const registry = createStorageRegistry({ signingKey: '', stores: [memDefinition()] }, hanging)
  expect(await registry.health(10)).toMatchObject([{ state: 'down', reason: 'no answer within 10 ms' }])
})

test('replacing keeps what is unchanged and what somebody holds', async () => {
  closed.length = 0
  const registry = open(memDefinition('kept'), memDefinition('dropped'))
  const kept = registry.get(id('kept')).adapter
  const dropped = registry.get(id('dropped')).adapter
  const location = dropped.locate('mem://b' as StorageNamespace, 'x')
  await dropped.put(location, Buffer.from('x'))
  registry.replace({
    signingKey: 'other',
    stores: [{ ...memDefinition('kept'), description: 'renamed' }, memDefinition('new')],
  })
  expect(registry.version).toBe(2)
  expect(registry.get(id('kept'))).toMatchObject({ description: 'renamed', signingKey: 'other' })
  expect(registry.get(id('kept')).adapter).toBe(kept)
  expect(registry.has(id('dropped'))).toBe(false)
  expect((await dropped.get(location)).totalBytes).toBe(1)
  expect(closed).toHaveLength(0)
  await registry.close()
  expect(closed).toHaveLength(3)
})
