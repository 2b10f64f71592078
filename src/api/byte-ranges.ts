/** The `Range` header as lakeFS's REST API reads it: one range of bytes. */
import type { ByteRange } from '../block/adapter.ts'
import { refuseParameter } from './query.ts'

/** Characters of the header; a range says what it has to say in 40. */
const MAX_LENGTH = 8192
/**
 * What does not match is a 400, what matches and cannot be served a 416. The language of the contract's
 * `^bytes=((\d*-\d*,? ?)+)$`, which would take exponential time: runs of digits and at least one dash, between separators.
 */
const PATTERN = /^bytes=\d*-[\d-]*(?:(?:, ?| )\d*-[\d-]*)*(?:, ?| )?$/
const ONE = /^bytes=(\d*)-(\d*)$/

/** What a request asks for: all of it, a part, or something that cannot be served: several parts, or one that is not there. */
export type WantedRange = 'whole' | 'unsatisfiable' | ByteRange

/** Reads `header` for an object of `totalBytes`. The end is clamped. @throws invalid_argument for another form */
export function wantedRange(header: string | null, totalBytes: number): WantedRange {
  if (header === null) return 'whole'
  if (header.length > MAX_LENGTH) return refuseParameter('Range', 'header', `longer than ${MAX_LENGTH} characters`)
  if (!PATTERN.test(header))
    return refuseParameter('Range', 'header', `value ${JSON.stringify(header)}: must be like bytes=0-99`)
  const match = ONE.exec(header)
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === '')) return 'unsatisfiable'
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0 || totalBytes === 0) return 'unsatisfiable'
    return { start: Math.max(0, totalBytes - suffix), end: totalBytes }
  }
  const start = Number(first)
  const end = last === '' ? totalBytes : Math.min(Number(last) + 1, totalBytes)
  if (last !== '' && Number(last) < start) return 'unsatisfiable'
  if (start >= totalBytes) return 'unsatisfiable'
  return { start, end }
}
