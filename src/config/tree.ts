/**
 * A configuration before it is understood: maps, lists and scalars, every scalar as the text that was written (`0123` stays `0123`).
 * Keys that were given nothing (null, `""`) are not there.
 */
export type Tree = string | readonly Tree[] | Section

/** A map of a configuration. */
export interface Section {
  readonly [key: string]: Tree
}

/** True for a map, as opposed to a list or a scalar. */
export function isSection(tree: Tree | undefined): tree is Section {
  return typeof tree === 'object' && !Array.isArray(tree)
}

/** What lies under a dotted key with `[n]` for list items, or undefined. */
export function treeAt(tree: Tree, path: string): Tree | undefined {
  let at: Tree | undefined = tree
  for (const step of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    if (isSection(at)) at = Object.hasOwn(at, step) ? at[step] : undefined
    else if (Array.isArray(at)) at = at[Number(step)]
    else return undefined
  }
  return at
}

/** The scalar under a dotted key; undefined when nothing or something else is there. */
export function textAt(tree: Tree, path: string): string | undefined {
  const found = treeAt(tree, path)
  return typeof found === 'string' ? found : undefined
}

/** The scalar under a dotted key in lower case, as words such as types are compared. */
export function wordAt(tree: Tree, path: string): string | undefined {
  return textAt(tree, path)?.toLowerCase()
}

/** True when a dotted key holds one of Go's words for true. */
export function isTrueAt(tree: Tree, path: string): boolean {
  return /^(1|t|true)$/.test(wordAt(tree, path) ?? '')
}

/** `tree` with `value` under a dotted key (maps only); what is in the way is replaced. */
export function withValue(tree: Section, path: readonly string[], value: Tree): Section {
  const [step, ...rest] = path
  if (step === undefined) return isSection(value) ? value : tree
  const below = tree[step]
  return { ...tree, [step]: rest.length === 0 ? value : withValue(isSection(below) ? below : {}, rest, value) }
}

/** A parsed document (numbers, booleans, nulls and all) as a tree; undefined when nothing is left of it. */
export function toTree(value: unknown): Tree | undefined {
  if (value === null || value === undefined || value === '') return undefined
  if (Array.isArray(value)) return value.map((item) => toTree(item) ?? '')
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const below = toTree(item)
    return below === undefined ? [] : [[key, below] as const]
  })
  return Object.fromEntries(entries)
}
