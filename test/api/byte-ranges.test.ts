import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wantedRange } from '../../src/api/byte-ranges.ts'

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

describe('a Range header', () => {
  test(`is of the contract's language (seed ${seed})`, () => {
    const contract = /^bytes=((\d*-\d*,? ?)+)$/
    const isRead = (header: string) => {
      try {
        wantedRange(header, 10)
        return true
      } catch {
        return false
      }
    }
    // Short, since the contract's own pattern takes exponential time.
    const header = fc
      .array(fc.constantFrom('-', '1', ',', ' ', ', ', '0-1', '-2', 'x'), { maxLength: 8 })
      .map((pieces) => `bytes=${pieces.join('')}`)
    fc.assert(
      fc.property(header, (text) => isRead(text) === contract.test(text)),
      { seed, numRuns: 3000 },
    )
  })

  test.each([
    ['bytes=0-3', { start: 0, end: 4 }],
    ['bytes=8-99', { start: 8, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-', 'unsatisfiable'],
    ['bytes=0-1, 3-4', 'unsatisfiable'],
  ])('%s', (header, expected) => {
    expect(wantedRange(header, 10)).toEqual(expected)
  })

  test('costs no more than its length, and has a bound', () => {
    expect(() => wantedRange(`bytes=${'1-1'.repeat(2700)}x`, 10)).toThrow('must be like bytes=0-99')
    expect(() => wantedRange(`bytes=${'-'.repeat(8000)}x`, 10)).toThrow('must be like bytes=0-99')
    expect(() => wantedRange(`bytes=${'-'.repeat(8192)}`, 10)).toThrow('longer than 8192 characters')
  })
})
