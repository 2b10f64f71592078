import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Environment } from '../../src/config/environment.ts'
import { ConfigError } from '../../src/config/faults.ts'
import { type LoadOptions, loadConfig } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/parse.ts'

/** A folder of its own for one test, which is home and current directory at once. */
export function makeFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Options of a load in `folder`, alone in the world. */
export function within(folder: string, more: Partial<LoadOptions> = {}): LoadOptions {
  return { homeDirectory: folder, currentDirectory: folder, environment: {}, ...more }
}

/** Loads a file with this text. */
export function loadText(text: string, environment: Environment = {}): Loaded {
  return loadConfig(within(makeFolder({ 'lake.yaml': text }), { file: 'lake.yaml', environment }))
}

/** The error of a load that must fail. */
export function failureOf(load: () => unknown): ConfigError {
  try {
    load()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration was taken')
}

/** `path: message` of every fault of a load that must fail. */
export function faultsOf(load: () => unknown): Record<string, string> {
  return Object.fromEntries(failureOf(load).faults.map(({ path, message }) => [path, message]))
}

/** A file that starts, to break in one place. */
export const minimal = `
database: { type: mem }
auth: { encrypt: { secret_key: a-secret-key-for-tests } }
`
