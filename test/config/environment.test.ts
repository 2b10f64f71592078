import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Environment } from '../../src/config/environment.ts'
import { knownKeys } from '../../src/config/keys.ts'
import { loadConfig } from '../../src/config/load.ts'
import { configFromEnvironment } from '../../src/config/parse.ts'
import { faultsOf, loadText, makeFolder, minimal, within } from './folder.ts'

const single = `${minimal}\nblockstore: { type: mem }\nlisten_address: ":1"`

function load(environment: Environment) {
  return loadText(single, environment)
}

test('no two keys share a variable', () => {
  const names = [...knownKeys.keys()]
    .filter((key) => !key.includes('[]'))
    .map((key) => key.toUpperCase().replaceAll('.', '_'))
  expect(new Set(names).size).toBe(names.length)
})

test('variables override the file; INTERLAKEN_ wins over LAKEFS_ and the conflict is warned about', () => {
  expect(load({ LAKEFS_LISTEN_ADDRESS: ':2' }).config.listen.port).toBe(2)
  const both = load({ LAKEFS_LISTEN_ADDRESS: ':2', INTERLAKEN_LISTEN_ADDRESS: ':3' })
  expect(both.config.listen.port).toBe(3)
  expect(both.warnings).toEqual([
    {
      path: 'LAKEFS_LISTEN_ADDRESS',
      message: 'differs from INTERLAKEN_LISTEN_ADDRESS, which wins; set only one of them',
    },
  ])
  expect(load({ LAKEFS_LISTEN_ADDRESS: ':2', INTERLAKEN_LISTEN_ADDRESS: ':2' }).warnings).toEqual([])
  expect(load({ INTERLAKEN_LISTEN_ADDRESS: '' }).config.listen.port).toBe(1)
})

test('lists come as JSON or as one text; sections come as JSON', () => {
  const { config } = load({
    INTERLAKEN_AUTH_UI_CONFIG_LOGIN_COOKIE_NAMES: '["a","b"]',
    INTERLAKEN_LOGGING_OUTPUT: '=',
    INTERLAKEN_COMMITTED_PERMANENT: '{"min_range_size_bytes": 7, "range_raggedness_entries": 9}',
    INTERLAKEN_COMMITTED_PERMANENT_MIN_RANGE_SIZE_BYTES: '8',
    INTERLAKEN_INSTALLATION_FIXED_ID: '[x]',
  })
  expect(config.auth.login.loginCookieNames).toEqual(['a', 'b'])
  expect(config.logging.outputs).toEqual(['='])
  expect(config.committed).toMatchObject({ minRangeBytes: 8, rangeRaggednessEntries: 9 })
  expect(config.installation.fixedId).toBe('[x]')
})

test('storages come as a JSON list, with and without a file', () => {
  const stores = '[{"id":"x","type":"s3","backward_compatible":true,"s3":{"max_retries":2}},{"id":"y","type":"mem"}]'
  const folder = makeFolder()
  const { config } = loadConfig(within(folder, { environment: { INTERLAKEN_BLOCKSTORES_STORES: stores } }))
  expect(config.storages.stores).toMatchObject([
    { id: 'x', backwardCompatible: true, s3: { maxRetries: 2 } },
    { id: 'y', type: 'mem' },
  ])
  expect(config.database).toEqual({ type: 'local', path: join(folder, 'data/database') })
})

test('a single blockstore from the environment replaces the two storages of a start without a file', () => {
  const { config } = loadConfig(within(makeFolder(), { environment: { LAKEFS_BLOCKSTORE_TYPE: 'mem' } }))
  expect(config.storages.stores.map(({ id, type }) => ({ id, type }))).toEqual([{ id: '', type: 'mem' }])
  expect(config.storages.signingKey).toMatch(/^[0-9a-f]{64}$/)
})

test('faults name the variable that brought the value', () => {
  expect(
    faultsOf(() =>
      loadConfig(
        within(makeFolder(), {
          environment: {
            INTERLAKEN_BLOCKSTORES_STORES: '[{"id":"x","type":"disk"}]',
            LAKEFS_AUTH_LOGIN_DURATION: 'x',
            INTERLAKEN_TLS: 'x',
          },
        }),
      ),
    ),
  ).toEqual({
    INTERLAKEN_TLS: 'is not valid JSON; write an object as JSON',
    'auth.login_duration (from LAKEFS_AUTH_LOGIN_DURATION)': expect.stringContaining('is "x"'),
    'blockstores.stores[0].type (from INTERLAKEN_BLOCKSTORES_STORES)': expect.stringContaining('is "disk"'),
  })
})

test('unknown variables are warned about; what the launcher and Kubernetes set is not', () => {
  const { warnings, notes } = load({
    INTERLAKEN_LISTEN_ADRESS: 'x',
    LAKEFS_QQQQQQQQQQQQ: 'x',
    INTERLAKEN_RUNTIME: 'node',
    LAKEFS_SERVICE_HOST: '10.0.0.1',
    LAKEFS_PORT_80_TCP_ADDR: '10.0.0.1',
    INTERLAKEN_SERVICE_PORT_HTTP: '80',
    LAKEFS_STATS_ENABLED: 'false',
    LAKEFS_GATEWAYS_S3_DOMAIN_NAME: 'one.example',
    LAKEFS_AUTH_API_ENDPOINT: 'http://x',
    LAKECTL_X: 'x',
  })
  expect(warnings.map(({ path, message }) => `${path} ${message}`)).toEqual([
    'INTERLAKEN_LISTEN_ADRESS names no known key and has no effect; did you mean INTERLAKEN_LISTEN_ADDRESS?',
    'LAKEFS_QQQQQQQQQQQQ names no known key and has no effect',
  ])
  expect(notes).toEqual(['has no effect yet: auth.api, stats, gateways.s3.domain_name'])
})

test('DATABASE_URL makes the database Postgres, with a file and without', () => {
  const DATABASE_URL = 'postgres://u:p@h/d'
  const postgres = {
    type: 'postgres',
    connectionString: DATABASE_URL,
    maxOpenConnections: 25,
    connectionMaxLifetimeMs: 300_000,
  }
  expect(load({ DATABASE_URL }).config.database).toMatchObject(postgres)
  expect(loadConfig(within(makeFolder(), { environment: { DATABASE_URL } })).config.database).toMatchObject(postgres)
})

test('our own variables are stronger than DATABASE_URL, and that is said', () => {
  const DATABASE_URL = 'postgres://u:p@h/d'
  const local = load({ DATABASE_URL, LAKEFS_DATABASE_TYPE: 'mem' })
  expect(local.config.database).toEqual({ type: 'mem' })
  expect(local.notes).toEqual(['DATABASE_URL is not used, since LAKEFS_DATABASE_TYPE is mem'])
  const other = load({ DATABASE_URL, INTERLAKEN_DATABASE_POSTGRES_CONNECTION_STRING: 'postgres://h/other' })
  expect(other.config.database).toMatchObject({ connectionString: 'postgres://h/other' })
  expect(other.warnings.map(({ path }) => path)).toEqual(['DATABASE_URL'])
})

test('a Worker is configured by its environment alone; bindings that are no text are passed over', () => {
  const { config } = configFromEnvironment({
    INTERLAKEN_BUCKET: { put: true },
    DATABASE_URL: 'postgres://h/d',
    INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'a-secret',
    INTERLAKEN_BLOCKSTORES_SIGNING_SECRET_KEY: 'another',
    INTERLAKEN_BLOCKSTORES_STORES: '[{"id":"r","type":"r2","r2":{"binding":"R2","bucket":"lake"}}]',
  })
  expect(config.storages.stores).toMatchObject([{ id: 'r', type: 'r2', r2: { binding: 'R2', bucket: 'lake' } }])
  expect(Object.keys(faultsOf(() => configFromEnvironment({})))).toEqual([
    'blockstore',
    'database.type',
    'auth.encrypt.secret_key',
  ])
})
