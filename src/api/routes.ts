/**
 * Finds the operation for a request on its raw, still escaped path: `%2F` inside a segment stays inside. A tree of segments; a
 * literal segment is tried before a parameter, and tried again as a parameter when it leads nowhere (a ref may be named `dump`).
 */
import { type Operation, type OperationId, operations } from './operations.gen.ts'

interface Leaf {
  readonly operation: OperationId
  readonly names: readonly string[]
}

interface Node {
  readonly literals: Map<string, Node>
  parameter: Node | null
  readonly leaves: Map<string, Leaf>
}

export interface Route extends Leaf {
  /** Undecoded segments, in the order of `names`. */
  readonly values: readonly string[]
}

/** Answers the route for a method and a path below the prefix (`/repositories/a%2Fb`), or null. */
export type Match = (method: string, path: string) => Route | null

/** Builds the tree for all operations of the contract, once. */
export function compileRoutes(): Match {
  const root = newNode()
  for (const [operation, { method, path }] of Object.entries(operations) as [OperationId, Operation][]) {
    let node = root
    const names: string[] = []
    for (const segment of path.slice(1).split('/')) {
      if (segment.startsWith(':')) {
        names.push(segment.slice(1))
        node.parameter ??= newNode()
        node = node.parameter
      } else {
        const next = node.literals.get(segment) ?? newNode()
        node.literals.set(segment, next)
        node = next
      }
    }
    node.leaves.set(method, { operation, names })
  }
  return (method, path) => {
    if (path.charCodeAt(0) !== 0x2f) return null
    const values: string[] = []
    const leaf = find(root, method, path, 1, values)
    return leaf === null ? null : { operation: leaf.operation, names: leaf.names, values }
  }
}

function newNode(): Node {
  return { literals: new Map(), parameter: null, leaves: new Map() }
}

function find(node: Node, method: string, path: string, start: number, values: string[]): Leaf | null {
  if (start > path.length) return node.leaves.get(method) ?? null
  const slash = path.indexOf('/', start)
  const end = slash === -1 ? path.length : slash
  const segment = path.slice(start, end)
  const literal = node.literals.get(segment)
  if (literal !== undefined) {
    const found = find(literal, method, path, end + 1, values)
    if (found !== null) return found
  }
  // An empty segment in the middle is an empty parameter (a 400 later), an empty one at the end is nothing at all.
  if (node.parameter === null || (segment === '' && end === path.length)) return null
  values.push(segment)
  const found = find(node.parameter, method, path, end + 1, values)
  if (found === null) values.pop()
  return found
}
