import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { faultsOf, makeFolder, within } from './folder.ts'

test('without a file there are two local storages, an embedded database and lasting secrets under ./data', () => {
  const folder = makeFolder()
  const { config, warnings, notes } = loadConfig(within(folder))
  expect({ warnings, notes }).toEqual({ warnings: [], notes: [] })
  expect(config.listen).toEqual({ host: '127.0.0.1', port: 8000 })
  expect(config.dataDirectory).toBe(join(folder, 'data'))
  expect(config.storages.stores).toMatchObject([
    { id: 'lake-a', backwardCompatible: true, local: { path: join(folder, 'data/lake-a') } },
    { id: 'lake-b', backwardCompatible: false, local: { path: join(folder, 'data/lake-b') } },
  ])
  expect(statSync(join(folder, 'data/secrets.json')).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(folder, 'data'))).toEqual(['secrets.json'])
  const again = loadConfig(within(folder)).config
  expect(again.auth.encryptSecretKey).toBe(config.auth.encryptSecretKey)
  expect(again.storages.signingKey).toBe(config.storages.signingKey)
  expect(loadConfig(within(makeFolder())).config.auth.encryptSecretKey).not.toBe(config.auth.encryptSecretKey)
})

test('--data and --listen move it', () => {
  const folder = makeFolder()
  const { config } = loadConfig(
    within(folder, {
      dataDirectory: '~/elsewhere',
      listen: '[::1]:0',
      environment: { INTERLAKEN_LISTEN_ADDRESS: ':5' },
    }),
  )
  expect(config.listen).toEqual({ host: '::1', port: 0 })
  expect(config.database).toEqual({ type: 'local', path: join(folder, 'elsewhere/database') })
})

test('a check writes nothing', () => {
  const folder = makeFolder()
  loadConfig(within(folder, { checkOnly: true }))
  expect(readdirSync(folder)).toEqual([])
})

test('secrets that are gone, broken or open to others are noticed', () => {
  const folder = makeFolder()
  const file = join(folder, 'data/secrets.json')
  loadConfig(within(folder))
  const kept = readFileSync(file)
  chmodSync(file, 0o644)
  expect(loadConfig(within(folder)).warnings.map(({ path }) => path)).toEqual([file])
  for (const broken of ['', '{', '{"authEncryptSecretKey": "short"}']) {
    writeFileSync(file, broken)
    expect(faultsOf(() => loadConfig(within(folder)))[file]).toContain('restore it from a backup')
  }
  rmSync(file)
  mkdirSync(join(folder, 'data/database'))
  writeFileSync(join(folder, 'data/database/PG_VERSION'), '18')
  expect(faultsOf(() => loadConfig(within(folder)))[file]).toContain('is gone')
  expect(existsSync(file)).toBe(false)
  writeFileSync(file, kept, { mode: 0o600 })
  expect(loadConfig(within(folder)).warnings).toEqual([])
})

test('a data folder that cannot be made is one clear fault', () => {
  const folder = makeFolder({ data: 'a file' })
  expect(faultsOf(() => loadConfig(within(folder)))[join(folder, 'data/secrets.json')]).toContain('cannot be made')
})

test("files in lakeFS's places are not read, and that is said", () => {
  const folder = makeFolder({ 'config.yaml': 'x: [', '.lakefs.yaml': '' })
  const { notes } = loadConfig(within(folder))
  expect(notes).toEqual([
    `${join(folder, 'config.yaml')} is not read; give it with --config to use it`,
    `${join(folder, '.lakefs.yaml')} is not read; give it with --config to use it`,
  ])
})
