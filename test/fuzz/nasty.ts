/** Values that break programs. */
import type { Random } from './random.ts'

/** 10 MB; one in so many nasty texts. */
const HUGE = 10_000_000
const HUGE_ONE_IN = 2000

/** Text for a path or a query, already percent-encoded (or wrongly so). Latin-1: a character is a byte. */
const ENCODED = [
  '..',
  '.',
  '%2e%2e',
  '..%2f..%2fetc%2fpasswd',
  '%2F',
  '%2f%2f',
  '%00',
  'a%00b',
  '%FF',
  '%ff%fe',
  '%C0%AF',
  '%ED%A0%80',
  '%F5%80%80%80',
  '%25',
  '%2500',
  'a+b',
  '%0d%0aX-Injected:%201',
  '%EF%BB%BF',
  '%EF%BF%BF',
  '\xff\xfe',
  '\xc3\xa9',
  'x'.repeat(1025),
  '%C3%A9'.repeat(513),
  'a/'.repeat(512),
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  "'%20OR%201=1--",
  '%7B%7D',
  '$(id)',
  '-1',
  '0',
  '1e400',
  'NaN',
  'null',
  'undefined',
  'true',
  '9223372036854775808',
  '99999999999999999999999999',
  '2026-13-45T25:61:61Z',
  '99999-01-01T00:00:00Z',
  'main~99999999999999999999',
  'main^^^^^^',
  'main@@',
  'main~1$',
  '@',
  '~',
  '$',
  '%F0%9F%A6%84',
  '<script>',
  '%5c..%5c',
  '%zz',
  '%4',
  '%',
]

export function nastyEncoded(random: Random): string {
  return random.pick(ENCODED)
}

const TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udfff',
  '..',
  '../../etc/passwd',
  '/',
  '//',
  'x'.repeat(1025),
  'é'.repeat(600),
  '__proto__',
  'constructor',
  'NaN',
  '-1',
  '\r\nX-Injected: 1',
  '\u202e\ufeff',
  '\uffff',
  '🦄',
  'local://../..',
  'local://',
  's3://',
  'local:///etc',
  'mem://x?y#z',
  'https://[::1',
  'local://%00',
  'local://a/../b',
  'main~99999999999999999999',
  '*'.repeat(40),
  '[',
  '[[[[[',
  '[a-',
  '{a,b',
  '\\',
  '(a+)+$',
]

export function nastyText(random: Random): string {
  if (random.oneIn(HUGE_ONE_IN)) return 'y'.repeat(HUGE)
  return random.pick(TEXTS)
}

export const numbers: readonly unknown[] = [
  -1,
  0,
  -0.5,
  1.5,
  1e21,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  -(2 ** 63) - 1,
  253_402_300_800,
  -62_135_596_801,
]

/** Values of every type of JSON. */
export const ofOtherTypes: readonly unknown[] = [
  null,
  true,
  0,
  12,
  'text',
  [],
  [null],
  [[]],
  {},
  { a: { b: [] } },
  Object.fromEntries([['__proto__', { polluted: 'yes' }]]),
]

/** Bodies that are no JSON, or too much of it. */
export const brokenJson: readonly Buffer[] = [
  '{',
  '}',
  '{"a":',
  '{"a":1,}',
  "{'a':1}",
  '[',
  '"',
  'NaN',
  '-',
  '01',
  'nul',
  '{}{}',
  '\0',
  '{"a":1}garbage',
  '['.repeat(100_000),
  '{"a":'.repeat(100_000),
].map((text) => Buffer.from(text))

/** Valid JSON that nests deeper than calls can. */
export const deepJson = Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)

export const headerValues = [
  '',
  ' ',
  '*',
  '"',
  '"\xff"',
  'W/"x"',
  'x'.repeat(5000),
  'bytes=',
  'bytes=a-b',
  'bytes=5-1',
  'bytes=0-0,1-1',
  'bytes=99999999999999999999999-',
  'bytes=-0',
  'bytes=-99999999999999999999',
  'items=0-1',
  'bytes=0-18446744073709551616',
  '\xe9\xfe',
  '"a", "b"',
  'Thu, 99 Foo 99999 99:99:99 GMT',
]
