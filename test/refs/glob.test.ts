import { expect, test } from 'vitest'
import { isDomainError } from '../../src/errors.ts'
import { globOf } from '../../src/refs/glob.ts'

test.each<[pattern: string, matches: string[], not: string[]]>([
  ['main', ['main'], ['mai', 'main2', 'xmain', 'Main', '']],
  ['*', ['', 'a', 'release-1'], []],
  ['**', ['', 'a'], []],
  ['release-*', ['release-', 'release-1'], ['release', 'a-release-1']],
  ['*-prod', ['x-prod', '-prod'], ['x-prod-1']],
  ['a*b*c', ['abc', 'axxbxxc', 'abbcc'], ['ab', 'acb']],
  ['v?', ['v1', 'vä', 'v😀'], ['v', 'v12']],
  ['v[0-9]', ['v0', 'v9'], ['va', 'v', 'v10']],
  ['v[!0-9]', ['va', 'v-'], ['v0', 'v']],
  ['[abc]x', ['ax', 'cx'], ['dx', 'x']],
  ['[a-cx-z_-]', ['b', 'y', '_', '-'], ['d', 'w']],
  ['[\\]!]', [']', '!'], ['\\', 'a']],
  ['{main,dev}', ['main', 'dev'], ['maindev', '', '{main,dev}']],
  ['{a,b*}-{1,2?}', ['a-1', 'bxx-29', 'b-1'], ['a-2', 'c-1']],
  ['x{,y}', ['x', 'xy'], ['xyy']],
  ['{a,{b,c}d}e', ['ae', 'bde', 'cde'], ['de', 'ade']],
  ['a,b', ['a,b'], ['a', 'b']],
  ['a\\*', ['a*'], ['ab', 'a\\']],
  ['a.b+', ['a.b+'], ['axb', 'a.bb']],
  ['}]', ['}]'], ['']],
])('%s', (pattern, matches, not) => {
  const test = globOf(pattern)
  expect(matches.filter((name) => !test(name))).toEqual([])
  expect(not.filter((name) => test(name))).toEqual([])
})

test.each(['', '[a', '[]', '[!]', '[z-a]', '{a,b', '{', 'a\\', '[\\', '{'.repeat(20) + '}'.repeat(20)])(
  'refuses %s',
  (pattern) => {
    expect(() => globOf(pattern)).toThrow(expect.toSatisfy((error) => isDomainError(error, 'invalid_argument')))
  },
)

test('no pattern takes long', () => {
  const name = 'a'.repeat(5000)
  const started = performance.now()
  expect(globOf(`${'*a'.repeat(100)}b`)(name)).toBe(false)
  expect(globOf(`${'{a,a*}'.repeat(100)}b`)(name)).toBe(false)
  expect(performance.now() - started).toBeLessThan(2000)
})

test('a pattern is compiled once', () => {
  expect(globOf('once-*')).toBe(globOf('once-*'))
})
