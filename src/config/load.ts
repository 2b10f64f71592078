import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseYaml } from './document.ts'
import { type Environment, type Override, readEnvironment } from './environment.ts'
import { ConfigError, type Findings, noFindings } from './faults.ts'
import { type Loaded, parseSources } from './parse.ts'
import { expandPath, type FileFacts, type PathContext } from './paths.ts'
import { codeOf, generateSecrets, isReadableByOthers, keepSecrets, readSecrets } from './secrets-file.ts'
import { standaloneTree } from './standalone.ts'
import type { Section } from './tree.ts'

export interface LoadOptions extends PathContext {
  /** A lakeFS configuration file; its defaults are lakeFS's then. */
  readonly file?: string
  /** Where a start without a file keeps everything; default `data`. */
  readonly dataDirectory?: string
  /** `HOST:PORT`, stronger than everything else. */
  readonly listen?: string
  readonly environment: Environment
  /** Checks only: nothing is written, secrets that are not there yet are made up. Default false. */
  readonly checkOnly?: boolean
}

/**
 * The configuration of a server: the file or, without one, two local storages and an embedded database under `dataDirectory` with
 * secrets that are made once; then the environment over it, then the command line.
 *
 * @throws ConfigError with every fault at once
 */
export function loadConfig(options: LoadOptions): Loaded {
  const findings = noFindings()
  const overrides = readEnvironment(options.environment, findings)
  const files: FileFacts = { ...options, realPath, unreadable }
  const listen: Override[] =
    options.listen === undefined ? [] : [{ key: 'listen_address', value: options.listen, source: '--listen' }]
  const rest = { overrides: [...overrides, ...listen], files }
  if (options.file !== undefined) {
    const base = readConfigFile(expandPath(options.file, options), findings)
    return parseSources({ ...rest, base, baseName: 'file', dataDirectory: null }, findings)
  }
  noteFilesPassedOver(options, findings)
  const dataDirectory = expandPath(options.dataDirectory ?? 'data', options)
  const secrets = secretsFor(dataDirectory, overrides, options.checkOnly === true, findings)
  const base = standaloneTree(dataDirectory, secrets, overrides)
  return parseSources({ ...rest, base, baseName: 'no file', dataDirectory }, findings)
}

function readConfigFile(file: string, findings: Findings): Section {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(
      [{ path: file, message: `cannot be read (${codeOf(error)}); give --config a YAML file` }],
      findings.warnings,
    )
  }
  const parsed = parseYaml(text)
  if ('tree' in parsed) return parsed.tree
  throw new ConfigError(
    [{ path: file, message: `${parsed.problem}; correct it there` }, ...findings.faults],
    findings.warnings,
  )
}

/** Secrets of a start without a file. A database without its secrets is a fault: new ones could not read what it holds. */
function secretsFor(dataDirectory: string, overrides: readonly Override[], checkOnly: boolean, findings: Findings) {
  const file = join(dataDirectory, 'secrets.json')
  const database = join(dataDirectory, 'database')
  if (!existsSync(file)) {
    const given = overrides.some(({ key }) => key === 'auth.encrypt.secret_key')
    if (!given && existsSync(database) && readdirSync(database).length > 0) {
      throw new ConfigError([
        {
          path: file,
          message: `is gone, but ${database} needs its secrets; restore it, or set INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY`,
        },
      ])
    }
  } else if (isReadableByOthers(file)) {
    findings.warnings.push({ path: file, message: 'may be read by other users of this machine; run chmod 600 on it' })
  }
  return checkOnly ? (readSecrets(file) ?? generateSecrets()) : keepSecrets(file)
}

/** lakeFS looks for a file in these places; here only `--config` names one, so that a stray file never moves the data. */
function noteFilesPassedOver({ homeDirectory, currentDirectory }: PathContext, findings: Findings): void {
  const places = [
    join(currentDirectory, 'config.yaml'),
    join(homeDirectory, '.lakefs', 'config.yaml'),
    join(homeDirectory, '.lakefs.yaml'),
  ]
  for (const place of places) {
    if (existsSync(place)) findings.notes.push(`${place} is not read; give it with --config to use it`)
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}

function unreadable(path: string): string | null {
  try {
    accessSync(path, constants.R_OK)
    return statSync(path).isFile() ? null : 'it is no file'
  } catch (error) {
    return codeOf(error)
  }
}
