/** The golden repositories under `test/fixtures/` (see its README): read in memory or unpacked into a folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

export type FixtureName = 'small' | 'big' | 'tuned' | 'probes'
export type GoldenRepository = Exclude<FixtureName, 'probes'>
export const goldenRepositories: readonly GoldenRepository[] = ['small', 'big', 'tuned']

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures')
const loaded = new Map<FixtureName, ReadonlyMap<string, Buffer>>()

/** Files of one archive by their path in it, without the repository's own name (`expected/refs.json`). */
function fixtureFiles(name: FixtureName): ReadonlyMap<string, Buffer> {
  let files = loaded.get(name)
  if (files === undefined) {
    files = readTar(gunzipSync(readFileSync(join(folder, `lakefs-${name}.tar.gz`))), `${name}/`)
    loaded.set(name, files)
  }
  return files
}

/** One file's bytes. @throws when the archive has none of that path */
function fixtureFile(name: FixtureName, path: string): Buffer {
  const bytes = fixtureFiles(name).get(path)
  if (bytes === undefined) throw new Error(`fixture ${name} has no file ${path}`)
  return bytes
}

/** One JSON file, parsed; the caller names its shape. */
export function fixtureJson<Shape>(name: FixtureName, path: string): Shape {
  return JSON.parse(fixtureFile(name, path).toString('utf8')) as Shape
}

/** Writes all files of an archive below `target`. */
export function unpackFixture(name: FixtureName, target: string): void {
  for (const [path, bytes] of fixtureFiles(name)) {
    const file = join(target, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
}

/** Tables of a golden repository by id, as they lie in its namespace. */
export function fixtureTables(name: GoldenRepository): ReadonlyMap<string, Buffer> {
  const tables = new Map<string, Buffer>()
  for (const [path, bytes] of fixtureFiles(name)) {
    const id = /^namespace\/_lakefs\/([0-9a-f]{64})$/.exec(path)?.[1]
    if (id !== undefined) tables.set(id, bytes)
  }
  return tables
}

/** ustar: 512-byte headers (name at 0, octal size at 124, type at 156, name prefix at 345), each file padded to 512 bytes. */
function readTar(tar: Buffer, root: string): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const prefix = text(tar, at + 345, 155)
    const name = prefix === '' ? text(tar, at, 100) : `${prefix}/${text(tar, at, 100)}`
    const size = Number.parseInt(text(tar, at + 124, 12), 8)
    const isFile = text(tar, at + 156, 1) === '0' || tar[at + 156] === 0
    if (isFile)
      files.set(name.startsWith(root) ? name.slice(root.length) : name, tar.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

function text(tar: Buffer, start: number, length: number): string {
  const field = tar.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}
