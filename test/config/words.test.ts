import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDurationMs } from '../../src/config/duration.ts'
import { parseListenAddress } from '../../src/config/listen-address.ts'
import { editDistance, nearest } from '../../src/config/nearest.ts'
import { isWithin } from '../../src/config/paths.ts'
import { postgresUrl } from '../../src/config/postgres-dsn.ts'

test.each([
  ['15m', 900_000],
  ['168h', 604_800_000],
  ['1h30m', 5_400_000],
  ['3ms', 3],
  ['1.5s', 1500],
  ['.5s', 500],
  ['250us', 0.25],
  ['2µs', 0.002],
  ['0', 0],
  ['1h0m0s', 3_600_000],
])('the duration %s is %d ms', (text, expected) => {
  expect(parseDurationMs(text)).toBeCloseTo(expected, 9)
})

test.each(['', '15', '15 m', 'm', '-5m', '1d', '1h30', '1.2.3s', '5M'])('"%s" is no duration', (text) => {
  expect(parseDurationMs(text)).toBeNull()
})

test('a duration of several units is the sum of its parts', () => {
  const part = fc.nat({ max: 1000 })
  fc.assert(
    fc.property(part, part, part, part, (h, m, s, ms) => {
      expect(parseDurationMs(`${h}h${m}m${s}s${ms}ms`)).toBe(h * 3_600_000 + m * 60_000 + s * 1000 + ms)
    }),
  )
})

test.each([
  ['127.0.0.1:8000', '127.0.0.1', 8000],
  [':8000', '0.0.0.0', 8000],
  ['localhost:0', 'localhost', 0],
  ['[::1]:65535', '::1', 65535],
])('%s is an address to listen on', (text, host, port) => {
  expect(parseListenAddress(text)).toEqual({ host, port })
})

test.each(['8000', 'localhost', 'localhost:65536', '::1:8000', 'http://x:80', 'a b:80', ''])('"%s" is none', (text) => {
  expect(parseListenAddress(text)).toBeNull()
})

test('the edit distance is that of the textbook recursion', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 })
  fc.assert(
    fc.property(word, word, (one, other) => {
      expect(editDistance(one, other)).toBe(naiveDistance(one, other))
    }),
  )
})

function naiveDistance(one: string, other: string): number {
  if (one === '' || other === '') return one.length + other.length
  const swapped = one.length > 1 && other.length > 1 && one.at(-1) === other.at(-2) && one.at(-2) === other.at(-1)
  return Math.min(
    naiveDistance(one.slice(0, -1), other) + 1,
    naiveDistance(one, other.slice(0, -1)) + 1,
    naiveDistance(one.slice(0, -1), other.slice(0, -1)) + (one.at(-1) === other.at(-1) ? 0 : 1),
    swapped ? naiveDistance(one.slice(0, -2), other.slice(0, -2)) + 1 : Number.POSITIVE_INFINITY,
  )
}

test('the nearest word is close, or there is none', () => {
  const words = ['config', 'data', 'listen']
  expect(nearest('confg', words)).toBe('config')
  expect(nearest('lisetn', words)).toBe('listen')
  expect(nearest('verbose', words)).toBeNull()
  expect(nearest('xy', words)).toBeNull()
})

test.each([
  ['postgres://u:p@h:5432/d?sslmode=disable', 'postgres://u:p@h:5432/d?sslmode=disable'],
  ['postgresql://h/d', 'postgresql://h/d'],
  [
    'host=db port=5433 user=lake password=secret dbname=l sslmode=require',
    'postgres://lake:secret@db:5433/l?sslmode=require',
  ],
  [`host = db user=u password='a b\\'c@d' dbname=l`, `postgres://u:a%20b'c%40d@db/l`],
  ['host=/var/run/postgresql dbname=l', 'postgres://localhost/l?host=%2Fvar%2Frun%2Fpostgresql'],
])('%s names a Postgres server', (text, url) => {
  expect(postgresUrl(text)).toBe(url)
})

test.each(['mysql://h/d', 'postgres', '', "host='db", 'host=db port'])('"%s" does not', (text) => {
  expect(postgresUrl(text)).toBeNull()
})

test('a folder is within itself and its parents, not within one whose name starts alike', () => {
  expect(isWithin('/a/b', '/a/b')).toBe(true)
  expect(isWithin('/a/b/c', '/a/b')).toBe(true)
  expect(isWithin('/a/b/..c', '/a/b')).toBe(true)
  expect(isWithin('/a/bc', '/a/b')).toBe(false)
  expect(isWithin('/a', '/a/b')).toBe(false)
  expect(isWithin('/a', '/')).toBe(true)
})
