import { LineCounter, parseDocument } from 'yaml'
import { isSection, type Section, type Tree, toTree } from './tree.ts'

/** A document's tree, or why there is none, without any of the document's text (it may hold secrets). */
export type Parsed<Kind extends Tree> = { readonly tree: Kind } | { readonly problem: string }

/** Parses a YAML configuration file: one map. Scalars keep the text that was written; anchors, aliases and `<<` work. */
export function parseYaml(text: string): Parsed<Section> {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    customTags: ['null', 'merge'],
    lineCounter,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    return {
      problem: `is not valid YAML at line ${line}, column ${col} (${error.message.replace(/[:;"].*$/s, '').trim()})`,
    }
  }
  try {
    const tree = toTree(document.toJS()) ?? {}
    return isSection(tree) ? { tree } : { problem: 'is YAML, but not a map of keys' }
  } catch {
    return { problem: 'has YAML aliases that lead nowhere or multiply without end' }
  }
}

/** Parses JSON text, as environment variables carry lists and maps. */
export function parseJson(text: string): Parsed<Tree> {
  try {
    return { tree: toTree(JSON.parse(text)) ?? '' }
  } catch {
    return { problem: 'is not valid JSON' }
  }
}
