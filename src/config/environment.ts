import { parseJson } from './document.ts'
import type { Findings } from './faults.ts'
import { type KnownKey, knownKeys } from './keys.ts'
import { listKind } from './leaves.ts'
import { nearest } from './nearest.ts'
import type { Tree } from './tree.ts'

/** Environment variables, as `process.env` or a Worker's bindings have them; what is not text is passed over. */
export type Environment = Readonly<Record<string, unknown>>

/** A value from outside the file. Later ones replace what earlier ones set. */
export interface Override {
  /** Dotted key. */
  readonly key: string
  readonly value: Tree
  /** The variable's name. */
  readonly source: string
}

/** Prefixes in order of precedence. */
const prefixes = ['INTERLAKEN_', 'LAKEFS_']
/** Variables of ours that are not keys: the launcher's choice of runtime. */
const notKeys = new Set(['INTERLAKEN_RUNTIME'])
/** What Kubernetes sets in every pod for a service named `interlaken` or `lakefs`. */
const kubernetes = /^(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_.+)?)$/

const keysBySuffix: ReadonlyMap<string, KnownKey> = new Map(
  [...knownKeys.values()]
    .filter((key) => key.pattern !== '' && !key.pattern.includes('[]'))
    .map((key) => [key.pattern.toUpperCase().replaceAll('.', '_'), key]),
)

/**
 * The keys that environment variables set: `INTERLAKEN_` or `LAKEFS_`, then the key in upper case with `_` for `.`; lists and sections
 * as JSON, empty ones as if they were not there. `INTERLAKEN_` wins. `DATABASE_URL` makes the database Postgres unless a variable of
 * ours says otherwise. Sections come before the keys in them, so that a key's own variable wins over its section's.
 */
export function readEnvironment(environment: Environment, findings: Findings): Override[] {
  const found = new Map<string, { name: string; text: string; key: KnownKey }>()
  for (const [name, text] of variablesOf(environment)) {
    const suffix = name.slice(name.indexOf('_') + 1)
    const key = keysBySuffix.get(suffix) ?? inertAbove(suffix)
    if (key === null) {
      if (!notKeys.has(name) && !kubernetes.test(suffix))
        findings.warnings.push({ path: name, message: unknownMessage(name, suffix) })
      continue
    }
    const earlier = found.get(key.pattern)
    if (earlier === undefined) found.set(key.pattern, { name, text, key })
    else if (earlier.text !== text && key.form !== 'inert') {
      findings.warnings.push({ path: name, message: `differs from ${earlier.name}, which wins; set only one of them` })
    }
  }
  const overrides = [...found.values()].flatMap(({ name, text, key }) => {
    const value = parseValue(text, key, name, findings)
    return value === null ? [] : [{ key: key.pattern, value, source: name }]
  })
  return withDatabaseUrl(overrides, environment, findings).sort((one, other) => depth(one) - depth(other))
}

function variablesOf(environment: Environment): [name: string, text: string][] {
  return prefixes.flatMap((prefix) =>
    Object.entries(environment).flatMap(([name, text]): [string, string][] =>
      name.startsWith(prefix) && typeof text === 'string' && text !== '' ? [[name, text]] : [],
    ),
  )
}

/** The key without effect that `suffix` is below of. */
function inertAbove(suffix: string): KnownKey | null {
  for (const [above, key] of keysBySuffix) if (key.form === 'inert' && suffix.startsWith(`${above}_`)) return key
  return null
}

function unknownMessage(name: string, suffix: string): string {
  const meant = nearest(suffix, keysBySuffix.keys())
  const prefix = name.slice(0, name.indexOf('_') + 1)
  return `names no known key and has no effect${meant === null ? '' : `; did you mean ${prefix}${meant}?`}`
}

function parseValue(text: string, key: KnownKey, name: string, findings: Findings): Tree | null {
  const isList = key.kind === listKind && /^\s*\[/.test(text)
  if (!isList && (key.form === 'leaf' || key.form === 'inert')) return text
  const parsed = parseJson(text)
  if ('tree' in parsed) return parsed.tree
  const wanted = isList ? 'a list of texts' : key.form === 'section' ? 'an object' : 'a list of objects'
  findings.faults.push({ path: name, message: `${parsed.problem}; write ${wanted} as JSON` })
  return null
}

function withDatabaseUrl(overrides: Override[], environment: Environment, findings: Findings): Override[] {
  const source = 'DATABASE_URL'
  const url = environment[source]
  if (typeof url !== 'string' || url === '') return overrides
  const type = overrides.find(({ key }) => key === 'database.type')
  if (type !== undefined && type.value !== 'postgres') {
    findings.notes.push(`DATABASE_URL is not used, since ${type.source} is ${String(type.value)}`)
    return overrides
  }
  const key = 'database.postgres.connection_string'
  const connection = overrides.find((override) => override.key === key)
  if (connection !== undefined && connection.value !== url) {
    findings.warnings.push({
      path: source,
      message: `differs from ${connection.source}, which wins; set only one of them`,
    })
  }
  return [{ key: 'database.type', value: 'postgres', source }, { key, value: url, source }, ...overrides]
}

function depth(override: Override): number {
  return override.key.split('.').length
}
