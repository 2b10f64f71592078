import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Query } from '../../src/api/query.ts'
import { DomainError } from '../../src/errors.ts'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((array) => Buffer.from(array))

/** Escapes some bytes that need no escape, in either case, and spells spaces both ways. */
function encode(value: Buffer, choices: readonly boolean[]): string {
  return Array.from(value, (byte, at) => {
    const escaped = choices[at % Math.max(choices.length, 1)] ?? false
    if (byte === 0x20 && escaped) return '+'
    if (/[\w.~/-]/.test(String.fromCharCode(byte)) && !escaped) return String.fromCharCode(byte)
    const hex = byte.toString(16).padStart(2, '0')
    return `%${escaped ? hex.toUpperCase() : hex}`
  }).join('')
}

function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof DomainError && error.code === 'invalid_argument') return error.message
    throw error
  }
  throw new Error('was accepted')
}

describe('values', () => {
  test('are the bytes that were encoded, whatever they are and however they were escaped', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.array(fc.boolean()), (path, other, choices) => {
        const query = new Query(`x=${encode(other, choices)}&path=${encode(path, choices)}&path=second`)
        expect(query.bytes('path')).toEqual(path)
        expect(query.bytes('x')).toEqual(other)
        expect(query.bytes('absent')).toBeNull()
      }),
    )
  })

  test('are text only when they are UTF-8 without NUL; never U+FFFD in place of what was sent', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.boolean()), (value, choices) => {
        const query = new Query(`name=${encode(value, choices)}`)
        const text = value.toString('utf8')
        if (Buffer.from(text).equals(value) && !text.includes('\0')) expect(query.text('name')).toBe(text)
        else expect(refusal(() => query.text('name'))).toMatch(/^parameter "name" in query has an error: /)
      }),
      {
        examples: [
          [Buffer.from('\ufeffbom'), []],
          [Buffer.of(0xed, 0xa0, 0x80), []],
          [Buffer.from('\ufffd'), []],
        ],
      },
    )
  })

  test('with malformed escapes are refused by name, and only when asked for', () => {
    for (const bad of ['%zz', '%', '%4', 'a%4', '%%41', '%u0041', '%-1', '%+1', '%é1']) {
      const query = new Query(`junk=${bad}&path=ok`)
      expect(query.bytes('path')?.toString()).toBe('ok')
      expect(
        refusal(() => query.bytes('junk')),
        bad,
      ).toBe('parameter "junk" in query has an error: malformed percent-encoding')
      expect(refusal(() => query.texts('junk'))).toMatch(/"junk"/)
      expect(refusal(() => query.bytesList('junk'))).toMatch(/"junk"/)
    }
  })

  test('that came unescaped are bytes when Latin-1, UTF-8 beyond', () => {
    expect(new Query('path=\u00c3\u00a9').bytes('path')).toEqual(Buffer.from('é'))
    expect(new Query('path=\u20ac').bytes('path')).toEqual(Buffer.from('€'))
  })

  test('repeat in order; names may be escaped; pieces without a name do no harm', () => {
    const query = new Query('&&objects=a&objects=b%20c&%6fbjects=d&=x&objects=a=b')
    expect(query.texts('objects')).toEqual(['a', 'b c', 'd', 'a=b'])
    expect(query.bytesList('objects').map(String)).toEqual(['a', 'b c', 'd', 'a=b'])
    expect(query.texts('prefixes')).toEqual([])
  })
})

describe('the rules of the contract', () => {
  test('a value may only be empty where the contract allows it', () => {
    const names = ['prefix', 'after', 'delimiter', 'search', 'since', 'stop_at', 'branch', 'commit']
    const query = new Query(
      `${names.map((name) => `${name}=`).join('&')}&limit=&first_parent=&path=&amount=&task_id&force=`,
    )
    for (const name of names) expect(query.text(name)).toBe('')
    for (const name of ['limit', 'first_parent']) expect(query.boolean(name, false)).toBe(false)
    expect(refusal(() => query.requiredBytes('path'))).toBe(
      'parameter "path" in query has an error: empty value is not allowed',
    )
    expect(refusal(() => query.requiredText('task_id'))).toMatch(/empty/)
    expect(refusal(() => query.amount())).toMatch(/empty/)
    expect(refusal(() => query.boolean('force', false))).toMatch(/empty/)
    expect(refusal(() => query.requiredBytes('absent'))).toMatch(
      /^parameter "absent" in query has an error: value is required/,
    )
  })

  test.each([
    ['', 100],
    ['amount=0', 100],
    ['amount=-1', 100],
    ['amount=1', 1],
    ['amount=1000', 1000],
  ])('amount: %s is %d', (raw, amount) => {
    expect(new Query(raw).amount()).toBe(amount)
  })

  test.each(['1001', '-2', '1.5', 'x', '1e2', '+5', '0x10', '99999999999999999999', '%31%'])(
    'amount=%s is refused',
    (raw) => {
      expect(refusal(() => new Query(`amount=${raw}`).amount())).toMatch(/^parameter "amount" in query has an error: /)
    },
  )

  test('booleans are those of Go, choices are of the list', () => {
    const query = new Query('a=true&b=false&c=yes&d=2&type=two_dot&e=True&f=False&g=1&h=0')
    expect(['e', 'f', 'g', 'h'].map((name) => query.boolean(name, false))).toEqual([true, false, true, false])
    expect([query.boolean('a', false), query.boolean('b', true), query.boolean('absent', true)]).toEqual([
      true,
      false,
      true,
    ])
    for (const name of ['c', 'd']) expect(refusal(() => query.boolean(name, false))).toMatch(/must be true or false/)
    expect(query.oneOf('type', ['two_dot', 'three_dot'], 'three_dot')).toBe('two_dot')
    expect(query.oneOf('absent', ['two_dot', 'three_dot'], 'three_dot')).toBe('three_dot')
    expect(refusal(() => query.oneOf('type', ['three_dot'], 'three_dot'))).toMatch(/not one of/)
  })
})
