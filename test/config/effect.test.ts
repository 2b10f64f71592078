import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadText, minimal } from './folder.ts'

const root = join(import.meta.dirname, '../..')
/** The rooms that make the configuration, not those that act on it. */
const makers = ['src/config/', 'src/block/definition.ts']

/** The sources that could act on a configuration, as one text. */
function actingSources(): string {
  return ['src', 'adapters']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((name) => name.endsWith('.ts') && !makers.some((maker) => name.startsWith(maker)))
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n')
}

/** The names of all fields of `value`, at any depth. */
function fieldNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldNames)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, below]) => [name, ...fieldNames(below)])
}

test('every field of a configuration is read by a room that acts on it; what has no effect is inert', () => {
  const databases = ['{ type: local }', '{ type: postgres, postgres: { connection_string: postgres://h/d } }']
  const types = ['local', 's3', 'azure', 'gs', 'r2', 'mem']
  // A type whose adapter is not built yet is down as a whole.
  const built = types.filter((type) => existsSync(join(root, `adapters/${type}.ts`)))
  expect(built).toEqual(expect.arrayContaining(['local', 's3', 'r2', 'mem']))
  const stores = built.map(
    (type) =>
      `{ id: ${type}, type: ${type}, r2: { binding: B, bucket: b }, s3: { credentials: { access_key_id: a, secret_access_key: b } } }`,
  )
  const names = databases.flatMap((database) => {
    const { config } = loadText(
      `${minimal.replace(/^database: .*$/m, `database: ${database}`)}
blockstores: { signing: { secret_key: sss }, stores: [${stores}] }
installation: { user_name: a, access_key_id: b, secret_access_key: c }`,
    )
    return fieldNames({ ...config, settings: [] }).filter((name) => name !== 'settings')
  })
  expect(names).toEqual(expect.arrayContaining(['maxOpenConnections', 'binding', 'discoverBucketRegion', 'fsync']))
  const sources = actingSources()
  const unread = [...new Set(names)].filter((name) => !new RegExp(`\\b${name}\\b`).test(sources))
  expect(unread).toEqual([])
})
