import type { Config, Setting } from './config.ts'
import { childKey, knownKeys, patternOf } from './keys.ts'
import { hideUserInfo } from './leaves.ts'
import { isSection, type Section, type Tree } from './tree.ts'

/** Stands where a secret was. */
const mask = '[SECRET]'

/**
 * The configuration for people, one `key = value (source)` a line: the keys that were given, or all of them. Secrets, and user names
 * and passwords in URLs, are `[SECRET]`.
 */
export function describeConfig(config: Config, options: { withDefaults?: boolean } = {}): string {
  return config.settings
    .filter(({ source }) => options.withDefaults === true || source !== 'default')
    .map(({ key, shown, source }) => `${key} = ${shown} (${source})`)
    .join('\n')
}

/** Every key of a shaped tree and every default beside them, in the schema's order; `sourceOf` says where a given key came from. */
export function listSettings(tree: Section, sourceOf: (key: string) => string): Setting[] {
  return [...settingsBelow(tree, '', sourceOf)]
}

function* settingsBelow(section: Section, path: string, sourceOf: (key: string) => string): Generator<Setting> {
  const parent = childKey(patternOf(path), '')
  for (const { pattern, form, secret, fallback } of knownKeys.values()) {
    if (!pattern.startsWith(parent) || pattern === '') continue
    const name = pattern.slice(parent.length)
    if (/[.[]/.test(name) || name === '') continue
    const key = childKey(path, name)
    const value = section[name]
    if (form === 'leaf' && value !== undefined) yield { key, shown: secret ? mask : show(value), source: sourceOf(key) }
    else if (form === 'leaf' && fallback !== null) yield { key, shown: JSON.stringify(fallback), source: 'default' }
    else if (form === 'section' && (isSection(value) || !isChoice(key) || name === section.type)) {
      yield* settingsBelow(isSection(value) ? value : {}, key, sourceOf)
    } else if (form === 'sections' && Array.isArray(value)) {
      for (const [index, item] of value.entries())
        yield* settingsBelow(isSection(item) ? item : {}, `${key}[${index}]`, sourceOf)
    }
  }
}

/** Sections of which a configuration has one or some: their defaults are of no interest when they are not there. */
function isChoice(key: string): boolean {
  return /^blockstores?$|\.(local|s3|azure|gs|r2|postgres)$/.test(key)
}

function show(value: Tree): string {
  return hideUserInfo(JSON.stringify(value))
}
