import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { failureOf, faultsOf, loadText, makeFolder, minimal, within } from './folder.ts'

const examples = join(import.meta.dirname, '../../examples/config')

test.each(readdirSync(examples))('examples/config/%s has no fault, nothing unknown, nothing without effect', (name) => {
  const { warnings, notes, config } = loadConfig(within(makeFolder(), { file: join(examples, name) }))
  expect({ warnings, notes }).toEqual({ warnings: [], notes: [] })
  expect(config.storages.stores.length).toBe(name === 'local.yaml' ? 1 : 2)
})

test("a file of lakeFS with a single blockstore starts with lakeFS's defaults", () => {
  const folder = makeFolder({ 'c.yaml': `${minimal}\nblockstore: { type: local }\n` })
  const { config } = loadConfig(within(folder, { file: 'c.yaml' }))
  expect(config.listen).toEqual({ host: '0.0.0.0', port: 8000 })
  expect(config.database).toEqual({ type: 'mem' })
  expect(config.storages.stores).toEqual([
    {
      id: '',
      description: '',
      backwardCompatible: true,
      defaultNamespacePrefix: null,
      type: 'local',
      local: {
        path: join(folder, 'lakefs/data/block'),
        importEnabled: false,
        importHidden: false,
        allowedExternalPrefixes: [],
        fsync: true,
      },
    },
  ])
  expect(config.auth.loginDurationMs).toBe(604_800_000)
  expect(config.committed.maxRangeBytes).toBe(20 << 20)
  expect(config.logging).toEqual({ level: 'info', auditLogLevel: 'debug', outputs: ['-'], format: 'text' })
  expect(config.installation.firstUser).toBeNull()
})

test('a signing key that is absent or the published one is derived from the encryption key', () => {
  const keyOf = (text: string): string => loadText(text).config.storages.signingKey
  const derived = keyOf(`${minimal}\nblockstore: { type: mem }`)
  expect(derived).toMatch(/^[0-9a-f]{64}$/)
  expect(
    keyOf(`${minimal}\nblockstore: { type: mem, signing: { secret_key: OVERRIDE_THIS_SIGNING_SECRET_DEFAULT } }`),
  ).toBe(derived)
  expect(keyOf(`${minimal.replace('tests', 'else')}\nblockstore: { type: mem }`)).not.toBe(derived)
  expect(keyOf(`${minimal}\nblockstore: { type: mem, signing: { secret_key: my-own-signing } }`)).toBe('my-own-signing')
})

test('an S3 store keeps what was written, with durations in milliseconds', () => {
  const { config } = loadText(`${minimal}
blockstores:
  signing: { secret_key: 0123456789 }
  stores:
    - id: 007
      type: s3
      default_namespace_prefix: null
      s3:
        endpoint: "http://127.0.0.1:9000"
        force_path_style: TRUE
        pre_signed_expiry: 1h30m
        max_retries: 07
        credentials: { access_key_id: 0123, secret_access_key: "null" }
`)
  expect(config.storages.signingKey).toBe('0123456789')
  expect(config.storages.stores[0]).toMatchObject({
    id: '007',
    type: 's3',
    defaultNamespacePrefix: null,
    s3: {
      region: 'us-east-1',
      forcePathStyle: true,
      preSignedExpiryMs: 5_400_000,
      maxRetries: 7,
      credentials: { accessKeyId: '0123', secretAccessKey: 'null', sessionToken: null },
    },
  })
})

test('keys are read in any case, anchors and merges work, empty keys are absent', () => {
  const { config, warnings } = loadText(`
Database: { Type: mem }
AUTH: { encrypt: { Secret_Key: a-secret-key } }
logging:
installation: { fixed_id: "" }
blockstores:
  signing: &sign { secret_key: sign-sign-sign }
  stores:
    - &first { id: a, type: mem }
    - { <<: *first, id: b }
`)
  expect(warnings).toEqual([])
  expect(config.storages.stores.map(({ id, type }) => `${id} ${type}`)).toEqual(['a mem', 'b mem'])
  expect(config.installation.fixedId).toBeNull()
})

test('keys that lakeFS knows and that have no effect yet are named in one note', () => {
  const { notes, warnings } = loadText(
    `${minimal}
blockstore: { type: s3, s3: { profile: lake, web_identity: { session_duration: 1h } } }
stats: { enabled: false }
gateways: { s3: { domain_name: [lake.example] } }
actions: { enabled: true, lua: { net_http_enabled: false } }
auth: { encrypt: { secret_key: x-x-x }, providers: { ldap: { bind_password: p } }, cache: { size: 9 } }
`.replace(/^auth: .*\n/m, ''),
  )
  expect(warnings).toEqual([])
  expect(notes).toEqual([
    'has no effect yet: blockstore.s3.profile, blockstore.s3.web_identity.session_duration, stats, gateways.s3.domain_name, actions.enabled, actions.lua.net_http_enabled, auth.providers, auth.cache',
  ])
})

test('unknown keys are warned about with their path and the nearest known key', () => {
  const { warnings } = loadText(`${minimal}
liste_address: ":1"
region: x
zzzzzzzzzzzz: { a: 1 }
blockstores:
  signing: { secret_key: sign-sign-sign }
  stores:
    - { id: a, type: mem }
    - { id: b, type: s3, credentials: {}, s3: { regoin: x, credentials: { access_key: q } } }
`)
  expect(Object.fromEntries(warnings.map(({ path, message }) => [path, message.split('; ')[1]]))).toEqual({
    liste_address: 'did you mean listen_address?',
    region: 'did you mean gateways.s3.region?',
    zzzzzzzzzzzz: 'docs/configuration.md lists the keys there are',
    'blockstores.stores[1].s3.regoin': 'did you mean blockstores.stores[1].s3.region?',
    'blockstores.stores[1].credentials': 'did you mean blockstores.stores[1].s3.credentials?',
    'blockstores.stores[1].s3.credentials.access_key':
      'did you mean blockstores.stores[1].s3.credentials.access_key_id?',
  })
})

test('a section of another type is warned about and its contents cannot stop the start', () => {
  const { warnings } = loadText(`${minimal}\nblockstore: { type: mem, s3: { credentials: { access_key_id: a } } }`)
  expect(warnings.map(({ path }) => path)).toEqual(['blockstore.s3'])
})

test.each([
  ['a: [1', 'is not valid YAML at line 1'],
  ['a: 1\na: 2', 'is not valid YAML at line 2, column 1 (Map keys must be unique)'],
  ['- a', 'is YAML, but not a map of keys'],
  ['a: *b', 'has YAML aliases that lead nowhere'],
])('%j is one clear fault', (text, message) => {
  const faults = Object.values(faultsOf(() => loadText(text)))
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(message)
})

test('a broken file is explained without any of its text', () => {
  for (const text of [
    'a: "hunter2\nb: 1',
    'a: b\n hunter2: @x\n',
    'k: *hunter2',
    'k: !hunter2 x\n  y',
    '{hunter2',
    'hunter2: x\nhunter2: y',
  ]) {
    const error = failureOf(() => loadText(`${text}\n`))
    expect(error.message).not.toContain('hunter2')
  }
})

test('a file that is not there is named', () => {
  expect(faultsOf(() => loadConfig(within('/nowhere', { file: 'x.yaml' })))).toEqual({
    '/nowhere/x.yaml': 'cannot be read (ENOENT); give --config a YAML file',
  })
})
