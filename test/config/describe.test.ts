import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeConfig } from '../../src/config/describe.ts'
import { ConfigError, formatFault } from '../../src/config/faults.ts'
import { inertKeys } from '../../src/config/inert-keys.ts'
import { knownKeys } from '../../src/config/keys.ts'
import { configFromEnvironment } from '../../src/config/parse.ts'
import { loadText, minimal } from './folder.ts'

test('given keys are listed with their values and sources, defaults on demand', () => {
  const { config } = loadText(
    `${minimal}\nblockstores: { signing: { secret_key: s }, stores: [{ id: a, type: mem }] }`,
    {
      LAKEFS_LISTEN_ADDRESS: ':2',
    },
  )
  expect(describeConfig(config).split('\n').sort()).toEqual([
    'auth.encrypt.secret_key = [SECRET] (file)',
    'blockstores.signing.secret_key = [SECRET] (file)',
    'blockstores.stores[0].id = "a" (file)',
    'blockstores.stores[0].type = "mem" (file)',
    'database.type = "mem" (file)',
    'listen_address = ":2" (LAKEFS_LISTEN_ADDRESS)',
  ])
  const all = describeConfig(config, { withDefaults: true })
  expect(all).toContain('auth.login_duration = "168h" (default)')
  expect(all).not.toContain('.s3.region')
})

/** Every secret of the schema, each with its own random value, and one behind each URL. */
function secretive(secrets: string[]) {
  const [encrypt, sign, database, key, secret, token, azure, gs, user, initial, dataGs, keyOfUser] = secrets
  const stores = [
    {
      id: 'a',
      type: 's3',
      s3: {
        endpoint: `http://u:${encodeURIComponent(user ?? '')}@127.0.0.1:9000`,
        credentials: { access_key_id: key, secret_access_key: secret, session_token: token },
      },
    },
    { id: 'b', type: 'azure', azure: { storage_account: 'x', storage_access_key: azure } },
    { id: 'c', type: 'gs', gs: { credentials_json: gs, data_credentials_json: dataGs } },
  ]
  return {
    DATABASE_URL: `postgres://u:${database}@h/d`,
    INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: encrypt,
    INTERLAKEN_BLOCKSTORES: JSON.stringify({ signing: { secret_key: sign }, stores }),
    INTERLAKEN_INSTALLATION: JSON.stringify({
      user_name: 'admin',
      access_key_id: keyOfUser,
      secret_access_key: initial,
    }),
  }
}

const someSecrets = fc.array(fc.stringMatching(/^[A-Za-z0-9+/=]{12,40}$/), { minLength: 12, maxLength: 12 })

test('no secret is ever shown', () => {
  fc.assert(
    fc.property(someSecrets, (secrets) => {
      const { config } = configFromEnvironment({ ...secretive(secrets), DATABASE_URL: 'postgres://u:x@h/d' })
      const shown = describeConfig(config, { withDefaults: true })
      expect(JSON.stringify(config.storages)).toContain(secrets[1])
      for (const secret of secrets.flatMap((text) => [text, encodeURIComponent(text)]))
        expect(shown).not.toContain(secret)
    }),
  )
})

test('no fault and no warning shows a secret, whatever is wrong', () => {
  const damage = fc.constantFrom(
    (text: string) => text.replace('"type":"s3"', '"type":"azure"'),
    (text: string) => text.replace('"secret_access_key":', '"secret_acces_key":'),
    (text: string) => text.replace('http://', 'htp://'),
    (text: string) => text.replace('"id":"b"', '"id":"a"'),
    (text: string) => text.replace('{"secret_key":', '['),
    (text: string) => text.replace('"stores":[', '"stores":'),
    (text: string) => text.slice(0, -1),
    (text: string) => text.replaceAll(/"((?:storage_)?(?:secret_)?access_key)":("[^"]*")/g, '"$1":[$2]'),
  )
  fc.assert(
    fc.property(someSecrets, damage, fc.constantFrom('INTERLAKEN_', 'LAKEFS_'), (secrets, spoil, prefix) => {
      const whole = secretive(secrets)
      const environment = {
        ...whole,
        DATABASE_URL: whole.DATABASE_URL.replace('postgres', 'pstgres'),
        INTERLAKEN_BLOCKSTORES: spoil(whole.INTERLAKEN_BLOCKSTORES),
        [`${prefix}AUTH_ENCRYPT_SECRETKEY`]: secrets[0],
      }
      try {
        configFromEnvironment(environment)
        expect.unreachable('the damaged configuration was taken')
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        const shown = [error.message, ...error.warnings.map(formatFault)].join('\n')
        expect(error.warnings.length).toBeGreaterThan(0)
        for (const secret of secrets) expect(shown).not.toContain(secret)
      }
    }),
  )
})

test('docs/configuration.md has a row for every key, with its default', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8').split('\n')
  const leaves = [...knownKeys.values()].filter(
    ({ form, pattern }) => form === 'leaf' && !pattern.startsWith('blockstore.'),
  )
  for (const { pattern, fallback, secret } of leaves) {
    const name = pattern.replace('blockstores.stores[].', '')
    const row = rows.find((line) => line.startsWith(`| \`${name}\` `))
    expect(row, `a row for ${name}`).toBeDefined()
    if (fallback !== null) expect(row).toContain(`\`${fallback}\``)
    if (secret) expect(row).toMatch(/secret/)
  }
  const text = rows.join('\n')
  for (const key of inertKeys) {
    const name = key.replace(/^blockstores?\.(stores\[\]\.)?/, '')
    expect(text).toContain(`\`${name}\``)
    expect(text, `no row for ${name}`).not.toContain(`\n| \`${name}\` `)
  }
})
