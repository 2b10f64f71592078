import { describe, expect, test } from 'vitest'
import type { RefExpression } from '../../src/model.ts'
import { parseExpression } from '../../src/refs/expression.ts'
import {
  parseBranchName,
  parseNewTagName,
  parseObjectPath,
  parseRefExpression,
  parseRepositoryName,
  parseTagName,
} from '../../src/refs/names.ts'

describe('names', () => {
  test.each([
    [
      'repository',
      parseRepositoryName,
      ['abc', '0-9', 'a'.repeat(63)],
      ['', 'ab', '-abc', 'Abc', 'a_b', 'a'.repeat(64), 'abc\n'],
    ],
    [
      'branch',
      parseBranchName,
      ['main', '_x', '0', 'A-b_9', 'x'.repeat(1024)],
      ['', '-a', 'a/b', 'a.b', 'ä', 'a b', 'a\n', 'x'.repeat(1025)],
    ],
    [
      'tag',
      parseTagName,
      ['v1.0', 'a@b', '~x', '$', 'ü', '-', '😀', 'ü'.repeat(512)],
      [
        '',
        '@',
        'a.',
        'a.lock',
        'a..b',
        'a/b',
        'a@{b',
        'a b',
        'a\u0000',
        `${'ü'.repeat(512)}x`,
        'x'.repeat(100_000),
        ...Array.from('^:?*[\\', (char) => `x${char}`),
      ],
    ],
    [
      'ref',
      parseRefExpression,
      ['main', 'a~1^2', 'ä', 'a\u00a0b', 'a\vb', 'ü'.repeat(2048)],
      ['', ' ', 'a b', 'a\tb', 'a\n', 'a\r', 'a\f', `${'ü'.repeat(2048)}x`],
    ],
  ] as const)('%s', (argument, parse, valid, invalid) => {
    for (const text of valid) expect(parse(text)).toBe(text)
    for (const text of invalid) {
      expect(() => parse(text), JSON.stringify(text)).toThrow(
        new RegExp(`^argument ${argument}: .*: invalid value: validation error$`),
      )
    }
  })

  test('a new tag is one that a ref expression can name', () => {
    for (const text of ['v1.0', 'ü', '-', '😀', 'a!b', 'a{b}', '%', "it's"]) {
      expect(parseNewTagName(text, 'id')).toBe(text)
      expect(parseExpression(parseRefExpression(text))).toEqual({ base: text, view: null, steps: [] })
    }
    for (const text of ['a~1', 'x~', '~', 'a$', '$', 'a@', 'a@b', 'a\x7f', 'a\x80', 'a\x9fb', 'a^1', '@'])
      expect(() => parseNewTagName(text, 'id'), JSON.stringify(text)).toThrow(/^argument id: .*validation error$/)
  })

  test('what is too long is told by its argument', () => {
    expect(() => parseTagName('x'.repeat(1025), 'id')).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: 'argument id: tag id must not be longer than 1024 bytes: invalid value: validation error',
      }),
    )
  })

  test('lakeFS’s text for branches', () => {
    expect(() => parseBranchName('a/b', 'branchId')).toThrow(
      'argument branchId: branch id must consist of letters, digits, underscores and dashes, and cannot start with a dash: invalid value: validation error',
    )
  })

  test('object paths are 1 to 1024 bytes, whatever they are', () => {
    const bytes = Uint8Array.from([0xff, 0x00])
    expect(parseObjectPath(bytes)).toEqual(Buffer.from(bytes))
    expect(parseObjectPath(Buffer.alloc(1024))).toHaveLength(1024)
    for (const length of [0, 1025])
      expect(() => parseObjectPath(Buffer.alloc(length))).toThrow('invalid value: validation error')
  })
})

describe('ref expressions', () => {
  const parse = (text: string) => parseExpression(text as RefExpression)

  test.each([
    ['main', 'main', null, []],
    ['main@', 'main', '@', []],
    ['main$', 'main', '$', []],
    ['main~', 'main', null, [['~', 1]]],
    [
      'a~3^2^~',
      'a',
      null,
      [
        ['~', 3],
        ['^', 2],
        ['^', 1],
        ['~', 1],
      ],
    ],
    [
      'a~0^0',
      'a',
      null,
      [
        ['~', 0],
        ['^', 0],
      ],
    ],
    [
      'a~+2^007',
      'a',
      null,
      [
        ['~', 2],
        ['^', 7],
      ],
    ],
    ['v1.0', 'v1.0', null, []],
  ] as const)('%s', (text, base, view, steps) => {
    expect(parse(text)).toEqual({ base, view, steps: steps.map(([kind, count]) => ({ kind, count })) })
  })

  test.each([
    '',
    '~1',
    '@',
    '$',
    '^',
    'a~x',
    'a^1x',
    'a~-1',
    'a^-1',
    'a~1.0',
    'a~1e3',
    'a@1',
    'a$x',
    'a@@',
    'a@~1',
    'a~1@',
    'a$^',
    'a@$',
    'a~99999999999999999999',
    'a~ 1',
    'a~0x1',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid_ref' }))
  })
})
