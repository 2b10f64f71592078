import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Operation, operations } from '../../src/api/operations.gen.ts'
import { compileRoutes } from '../../src/api/routes.ts'

const match = compileRoutes()
const all: [string, Operation][] = Object.entries(operations)

test('every operation is found at its path, its parameters raw', () => {
  const segment = fc.constantFrom('a', 'dump', 'commits', 'a%2Fb', '%7E', 'main@', 'x~1', 'refs', '..x', 'objects')
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.array(segment, { minLength: 6, maxLength: 6 }),
      ([id, operation], segments) => {
        const values: string[] = []
        const path = operation.path.replace(/:\w+/g, () => {
          const value = segments[values.length] ?? 'x'
          values.push(value)
          return value
        })
        const route = match(operation.method, path)
        // A parameter may spell another operation's literal; then that operation is meant.
        const literal = all.find(([, other]) => other.method === operation.method && other.path === path)
        if (literal !== undefined) expect(route).toMatchObject({ operation: literal[0], values: [] })
        else if (route?.operation === id) expect(route.values).toEqual(values)
        else expect(route?.values.length).toBeLessThan(values.length)
      },
    ),
    { numRuns: 2000 },
  )
})

test.each([
  ['GET', '/repositories/r/refs/dump/commits', 'logCommits', ['r', 'dump']],
  ['PUT', '/repositories/r/refs/dump', 'dumpRefs', ['r']],
  ['GET', '/repositories/a%2Fb/branches/c%2fd', 'getBranch', ['a%2Fb', 'c%2fd']],
  ['HEAD', '/repositories/r/refs/main/objects', 'headObject', ['r', 'main']],
  ['GET', '/repositories//branches', 'listBranches', ['']],
])('%s %s is %s', (method, path, operation, values) => {
  expect(match(method, path)).toMatchObject({ operation, values })
})

test.each([
  ['GET', ''],
  ['GET', '/'],
  ['GET', 'repositories'],
  ['GET', '/nothing'],
  ['GET', '/repositories/'],
  ['GET', '/repositories/r/'],
  ['GET', '/repositories/r/branches/'],
  ['PATCH', '/repositories'],
  ['OPTIONS', '/repositories'],
  ['HEAD', '/repositories'],
  ['PUT', '/repositories/r/branches/b/staging/pmpu/'],
  ['GET', '/repositories/r/refs/a/b/commits'],
])('%s %s is nothing', (method, path) => {
  expect(match(method, path)).toBeNull()
})
