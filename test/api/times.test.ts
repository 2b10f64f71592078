import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { httpDate, parseDateTime, timestampSeconds } from '../../src/api/times.ts'

describe('times', () => {
  test.each([
    ['2024-02-29T00:00:00Z', 1_709_164_800],
    ['2024-02-29t01:00:00.5+01:00', 1_709_164_800.5],
    ['2024-02-29T01:30:00.000000+0130', 1_709_164_800],
    ['2024-02-28T16:00:00-08:00', 1_709_164_800],
    ['1969-12-31T23:59:59z', -1],
    ['0000-01-01T00:00:00Z', -62_167_219_200],
  ])('%s is a date-time', (text, seconds) => {
    expect(parseDateTime(text)).toBe(seconds)
  })

  test.each([
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:00',
    '2024-01-01T00:00:00+25:00',
    '2024-01-01T00:00:00+2500',
    '2024-01-01T00:00:00+01',
    '2024-01-01',
    '1709164800',
    '',
  ])('%s is none', (text) => {
    expect(parseDateTime(text)).toBeNull()
  })

  test('have an HTTP form in the years 0 to 9999 only', () => {
    expect(httpDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
    expect(httpDate(-62_167_219_200)).toBe('Sat, 01 Jan 0000 00:00:00 GMT')
    expect(httpDate(253_402_300_799)).toBe('Fri, 31 Dec 9999 23:59:59 GMT')
    for (const seconds of [-62_167_219_201, 253_402_300_800, Number.MAX_SAFE_INTEGER, Number.NaN]) {
      expect(httpDate(seconds)).toBeNull()
    }
  })

  test('are stored in the range of a protobuf Timestamp', () => {
    for (const seconds of [-62_135_596_800, -1, 0, 253_402_300_799]) expect(v.is(timestampSeconds, seconds)).toBe(true)
    for (const seconds of [-62_135_596_801, 253_402_300_800, 0.5, '1', 2 ** 60]) {
      expect(v.is(timestampSeconds, seconds)).toBe(false)
    }
  })
})
