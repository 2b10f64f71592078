import * as v from 'valibot'
import { assembleConfig, publicSigningKey } from './assemble.ts'
import type { Config } from './config.ts'
import { listSettings } from './describe.ts'
import { type Environment, type Override, readEnvironment } from './environment.ts'
import { ConfigError, type Fault, type Findings, noFindings } from './faults.ts'
import type { FileFacts } from './paths.ts'
import { checkRules } from './rules.ts'
import { schema } from './schema.ts'
import { shapeTree } from './shape.ts'
import { type Section, textAt, withValue } from './tree.ts'

/** A configuration and what was remarkable about it. */
export interface Loaded {
  readonly config: Config
  /** For the start log: likely mistakes, none of them fatal. */
  readonly warnings: readonly Fault[]
  /** For the start log: lines of information. */
  readonly notes: readonly string[]
}

/** Everything that a configuration is made of. */
export interface Sources {
  /** The file, or what stands in for it. */
  readonly base: Section
  readonly baseName: 'file' | 'no file'
  /** Applied in order. */
  readonly overrides: readonly Override[]
  readonly files: FileFacts
  readonly dataDirectory: string | null
}

/** The configuration of a Worker: environment variables alone, no files. @throws ConfigError with every fault */
export function configFromEnvironment(environment: Environment): Loaded {
  const findings = noFindings()
  const overrides = readEnvironment(environment, findings)
  const files: FileFacts = {
    homeDirectory: '/',
    currentDirectory: '/',
    realPath: (path) => path,
    unreadable: () => 'there are no files here',
  }
  return parseSources({ base: {}, baseName: 'no file', overrides, files, dataDirectory: null }, findings)
}

/** Layers, checks and assembles a configuration; `findings` holds what was found before. @throws ConfigError with every fault */
export function parseSources(sources: Sources, findings: Findings): Loaded {
  const layered = sources.overrides.reduce(
    (tree, { key, value }) => withValue(tree, key.split('.'), value),
    sources.base,
  )
  const tree = shapeTree(layered, findings)
  checkRules(tree, sources.files, findings)
  warnOfPublicSigningKey(tree, findings)
  const parsed = v.safeParse(schema, tree)
  for (const issue of parsed.issues ?? []) findings.faults.push({ path: pathOf(issue), message: issue.message })
  const withSource = (fault: Fault): Fault => nameSource(fault, sources.overrides)
  const warnings = findings.warnings.map(withSource)
  if (findings.faults.length > 0 || !parsed.success)
    throw new ConfigError(firstOfEach(findings.faults.map(withSource)), warnings)
  const settings = listSettings(tree, (key) => sourceOf(key, sources.overrides) ?? sources.baseName)
  const config = assembleConfig(parsed.output, { ...sources.files, dataDirectory: sources.dataDirectory, settings })
  return { config, warnings, notes: findings.notes }
}

function warnOfPublicSigningKey(tree: Section, findings: Findings): void {
  for (const path of ['blockstore.signing.secret_key', 'blockstores.signing.secret_key']) {
    if (textAt(tree, path) !== publicSigningKey) continue
    findings.warnings.push({
      path,
      message: 'is the published default, so one derived from auth.encrypt.secret_key is used; set your own',
    })
  }
}

/** An issue's key, with `[n]` for list items. */
function pathOf(issue: v.GenericIssue): string {
  return (issue.path ?? []).reduce((path, { key }) => {
    if (typeof key === 'number') return `${path}[${key}]`
    return path === '' ? String(key) : `${path}.${String(key)}`
  }, '')
}

/** The last override that set a key or a section it is in. */
function sourceOf(key: string, overrides: readonly Override[]): string | null {
  const under = overrides.filter(
    (override) =>
      key === override.key || /^[.[]/.test(key.startsWith(override.key) ? key.slice(override.key.length) : ''),
  )
  return under.at(-1)?.source ?? null
}

function nameSource(fault: Fault, overrides: readonly Override[]): Fault {
  const source = sourceOf(fault.path, overrides)
  return source === null ? fault : { ...fault, path: `${fault.path} (from ${source})` }
}

/** The first fault of each path: the later passes look at what an earlier one already found wrong. */
function firstOfEach(faults: readonly Fault[]): Fault[] {
  return faults.filter((fault, index) => faults.findIndex(({ path }) => path === fault.path) === index)
}
