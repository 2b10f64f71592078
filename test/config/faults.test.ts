import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { failureOf, faultsOf, loadText, makeFolder, minimal, within } from './folder.ts'

test('every fault is reported at once, with its path and a remedy', () => {
  const faults = faultsOf(() =>
    loadText(`
listen_address: 99
committed: x
logging: { level: loud, output: { a: b } }
graveler: { ensure_readable_root_namespace: maybe }
database: { type: dynamodb, postgres: { connection_string: mysql://u:hunter2@h/d, max_open_connections: 0 } }
auth: { login_duration: 15 }
tls: { enabled: true, key_file: /nowhere/key.pem }
installation: { user_name: admin }
blockstores:
  stores:
    - id: a
      type: s3
      s3: { credentials: { access_key_id: a }, region: [1], endpoint: foo, max_retries: -1 }
    - { id: a, type: loca, backward_compatible: true }
    - { type: azure, backward_compatible: true, azure: { storage_access_key: k } }
    - { id: n, type: transient }
    - just a text
    - { id: g, type: gs, gs: { server_side_encryption_customer_supplied: abc, server_side_encryption_kms_key_id: k } }
    - { id: r, type: r2 }
`),
  )
  expect(faults).toMatchObject({
    listen_address: expect.stringContaining('is "99"; write HOST:PORT'),
    committed: expect.stringContaining('is a text; write its keys'),
    'logging.level': expect.stringContaining('is "loud"; write one of trace'),
    'logging.output': expect.stringContaining('; write one text or a list of texts'),
    'graveler.ensure_readable_root_namespace': 'is "maybe"; write true or false',
    'database.type': 'is "dynamodb", a database that only lakeFS has; write postgres or local',
    'database.postgres.connection_string': 'is malformed; write postgres://user:password@host:5432/database',
    'database.postgres.max_open_connections': 'is "0"; write a whole number from 1 to 10000',
    'auth.login_duration': expect.stringContaining('is "15"; write a duration with its unit'),
    'auth.encrypt.secret_key': expect.stringContaining('is missing; give it a long random text'),
    'tls.cert_file': expect.stringContaining('is missing; with tls.enabled give both'),
    'tls.key_file': 'names a file that cannot be read (ENOENT); name a PEM file',
    'installation.access_key_id': expect.stringContaining(
      'is missing while installation.user_name is given; give all three',
    ),
    'installation.secret_access_key': expect.stringContaining('give all three'),
    'blockstores.signing.secret_key': expect.stringContaining('is missing; give it a long random text'),
    'blockstores.stores[0].s3.credentials.secret_access_key': expect.stringContaining('; give both keys'),
    'blockstores.stores[0].s3.region': 'is a list or a section; give it a text',
    'blockstores.stores[0].s3.endpoint': expect.stringContaining('is "foo"; write a URL'),
    'blockstores.stores[0].s3.max_retries': 'is "-1"; write a whole number from 0 to 1000',
    'blockstores.stores[1].id': 'is "a", and so is blockstores.stores[0].id; give every storage an id of its own',
    'blockstores.stores[1].type': 'is "loca"; write one of local, s3, gs, azure, r2, mem',
    'blockstores.stores[2].id': 'is missing; give every storage an id that will never change',
    'blockstores.stores[2].backward_compatible': expect.stringContaining(
      'and so is blockstores.stores[1].backward_compatible; keep it',
    ),
    'blockstores.stores[2].azure.storage_account': expect.stringContaining('; name the account of the key'),
    'blockstores.stores[3].type': expect.stringContaining('is "transient", which Interlaken does not have; write mem'),
    'blockstores.stores[4]': 'is a text; write its keys and their values below it',
    'blockstores.stores[5].gs.server_side_encryption_customer_supplied':
      expect.stringContaining('; give it 64 hex digits'),
    'blockstores.stores[5].gs.server_side_encryption_kms_key_id': expect.stringContaining('; keep one of the two'),
    'blockstores.stores[6].r2': 'is missing; give it binding and bucket',
  })
  for (const message of Object.values(faults)) expect(message).toMatch(/; /)
})

test.each([
  ['committed.permanent.range_raggedness_entries', 0, 1, 'from 1 to 67108864'],
  ['committed.permanent.range_raggedness_entries', 2 ** 26 + 1, 2 ** 26, 'from 1 to 67108864'],
  ['committed.sstable.memory.cache_size_bytes', 0, 2 ** 20, 'of at least 1048576'],
  ['committed.sstable.memory.cache_size_bytes', 2 ** 20 - 1, 2 ** 20, 'of at least 1048576'],
])('%s refuses %d and takes %d', (key, refused, taken, range) => {
  const load = (value: number) =>
    loadText(`${minimal}\nblockstore: { type: mem }`, {
      [`INTERLAKEN_${key.toUpperCase().replaceAll('.', '_')}`]: String(value),
    })
  expect(Object.values(faultsOf(() => load(refused)))).toEqual([`is "${refused}"; write a whole number ${range}`])
  expect(Object.values(load(taken).config.committed)).toContain(taken)
})

test('neither blockstore nor blockstores, and both, are faults', () => {
  expect(Object.keys(faultsOf(() => loadText(minimal)))).toEqual(['blockstore'])
  const both = `${minimal}\nblockstore: { type: mem }\nblockstores: { signing: { secret_key: sss }, stores: [{ id: a, type: mem }] }`
  expect(faultsOf(() => loadText(both))).toEqual({
    blockstores: expect.stringContaining('is given beside blockstore; keep one'),
  })
})

test('stores that are absent, empty or no list are faults', () => {
  const storesFault = (stores: string) =>
    faultsOf(() => loadText(`${minimal}\nblockstores: { signing: { secret_key: sss }${stores} }`))
  expect(storesFault('')).toMatchObject({
    'blockstores.stores': expect.stringContaining('is missing; list at least one'),
  })
  expect(storesFault(', stores: []')).toEqual({
    'blockstores.stores': expect.stringContaining('is empty; list at least one'),
  })
  expect(storesFault(', stores: a')).toMatchObject({ 'blockstores.stores': expect.stringContaining('; write a list') })
})

const credentialParts = ['access_key_id', 'secret_access_key', 'session_token']
test.each([0, 1, 2, 3, 4, 5, 6, 7])('credentials with parts %b are whole, absent or a fault', (bits) => {
  const given = credentialParts.filter((_, index) => (bits & (1 << index)) !== 0)
  const credentials = given.map((part) => `${part}: value-of-${part}`).join(', ')
  const load = () => loadText(`${minimal}\nblockstore: { type: s3, s3: { credentials: { ${credentials} } } }`)
  const missing = credentialParts.slice(0, 2).filter((part) => !given.includes(part))
  if (given.length > 0 && missing.length > 0) {
    expect(Object.keys(faultsOf(load))).toEqual(missing.map((part) => `blockstore.s3.credentials.${part}`))
    return
  }
  const [store] = load().config.storages.stores
  const whole = store?.type === 's3' ? store.s3.credentials : undefined
  expect(whole === null).toBe(given.length === 0)
})

test('two local storages in one folder, one inside the other, or behind a link, are faults that name both', () => {
  const folder = makeFolder()
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  const faultsWith = (one: string, other: string) => {
    const stores = [one, other].map((path, index) => `{ id: s${index}, type: local, local: { path: ${path} } }`)
    const file = join(
      makeFolder({ 'c.yaml': `${minimal}\nblockstores: { signing: { secret_key: sss }, stores: [${stores}] }` }),
      'c.yaml',
    )
    try {
      loadConfig(within(folder, { file }))
      return null
    } catch {
      return faultsOf(() => loadConfig(within(folder, { file })))['blockstores.stores[1].local.path']
    }
  }
  expect(faultsWith('./real', './other')).toBeNull()
  expect(faultsWith('./real', './real-too')).toBeNull()
  expect(faultsWith('./real', '~/x/../real')).toContain('is the same folder as blockstores.stores[0].local.path')
  expect(faultsWith('./real', './link')).toContain('is the same folder as')
  expect(faultsWith('./real', './link/not/there/yet')).toContain('lies inside blockstores.stores[0].local.path')
  expect(faultsWith('./link/deep', './real')).toContain('holds blockstores.stores[0].local.path')
})

test('a database in the folder of a storage is warned about', () => {
  const { warnings } = loadText(`
database: { type: local, local: { path: ./lake/database } }
auth: { encrypt: { secret_key: xxx } }
blockstore: { type: local, local: { path: ./lake } }`)
  expect(warnings.map(({ path }) => path)).toEqual(['database.local.path'])
})

test('the warnings that may explain the faults come with them', () => {
  const error = failureOf(() => loadText(`${minimal}\nblockstoer: { type: mem }`))
  expect(error.warnings.map(({ path, message }) => `${path} ${message}`)).toEqual([
    'blockstoer is not a known key and has no effect; did you mean blockstore?',
  ])
})
