import type { Findings } from './faults.ts'
import { childKey, knownKeys, patternOf } from './keys.ts'
import { editDistance, nearest } from './nearest.ts'
import { isSection, type Section, type Tree } from './tree.ts'

/**
 * What of `tree` the schema will look at: known keys in their own spelling (lakeFS reads keys in any case). Reports unknown keys as
 * warnings with the nearest known one, keys without effect as notes, and values where a section belongs as faults.
 */
export function shapeTree(tree: Section, findings: Findings): Section {
  const inert: string[] = []
  const shaped = shapeSection(tree, '', findings, inert)
  if (inert.length > 0) findings.notes.push(`has no effect yet: ${inert.join(', ')}`)
  return shaped
}

function shapeSection(section: Section, path: string, findings: Findings, inert: string[]): Section {
  const shaped: Record<string, Tree> = {}
  for (const [written, value] of Object.entries(section)) {
    const pattern = patternOf(childKey(path, written))
    const known = knownKeys.get(pattern) ?? knownKeys.get(pattern.toLowerCase())
    if (known === undefined) {
      findings.warnings.push({
        path: childKey(path, written),
        message: `is not a known key and has no effect${suggest(path, written)}`,
      })
      continue
    }
    const name = known === knownKeys.get(pattern) ? written : written.toLowerCase()
    const here = childKey(path, name)
    if (known.form === 'inert') inert.push(here)
    else if (known.form === 'leaf') shaped[name] = value
    else if (known.form === 'section') {
      const below = expectSection(value, here, findings)
      if (below !== null) shaped[name] = shapeSection(below, here, findings, inert)
    } else if (Array.isArray(value)) {
      shaped[name] = value.map((item: Tree, index) => {
        const below = expectSection(item, `${here}[${index}]`, findings)
        return below === null ? {} : shapeSection(below, `${here}[${index}]`, findings, inert)
      })
    } else {
      findings.faults.push({
        path: here,
        message: `is ${isSection(value) ? 'a section' : 'a text'}; write a list, one item for each`,
      })
    }
  }
  return shaped
}

function expectSection(value: Tree, path: string, findings: Findings): Section | null {
  if (isSection(value)) return value
  findings.faults.push({
    path,
    message: `is a ${Array.isArray(value) ? 'list' : 'text'}; write its keys and their values below it`,
  })
  return null
}

/** `; did you mean …?`: a neighbour of nearly the same name, else the same name elsewhere, else a path of nearly the same text. */
function suggest(path: string, written: string): string {
  const name = written.toLowerCase()
  const parent = childKey(patternOf(path), '')
  const patterns = [...knownKeys.keys()].filter((key) => key !== '')
  const siblings = patterns.filter((key) => key.startsWith(parent) && !/[.[]/.test(key.slice(parent.length)))
  const sibling = nearest(
    name,
    siblings.map((key) => key.slice(parent.length)),
  )
  if (sibling !== null) return `; did you mean ${childKey(path, sibling)}?`
  const pattern = `${parent}${name}`
  const namesakes = patterns
    .filter((key) => key.endsWith(`.${name}`))
    .sort((one, other) => editDistance(pattern, one) - editDistance(pattern, other))
  const found = namesakes[0] ?? nearest(pattern, patterns)
  if (found === null) return '; docs/configuration.md lists the keys there are'
  const [here = 'blockstores.stores[]'] = /^blockstores\.stores\[\d+\]/.exec(path) ?? []
  return `; did you mean ${found.replace('blockstores.stores[]', here)}?`
}
