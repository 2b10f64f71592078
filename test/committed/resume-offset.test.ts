import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resumeOffset } from '../../src/committed/resume-offset.ts'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((array) => Buffer.from(array))
const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).map((text) => Buffer.from(text))

describe('resumeOffset', () => {
  it('is a text at or above the last key and below the next, and found whenever a short one exists', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, texts), fc.oneof(bytes, texts), texts, (one, other, witness) => {
        const [last, next] = one.compare(other) < 0 ? [one, other] : [other, one]
        fc.pre(last.compare(next) < 0)
        const offset = resumeOffset(last, next)
        if (offset === null) {
          const between = witness.compare(last) >= 0 && witness.compare(next) < 0
          expect(between).toBe(false)
          return
        }
        const encoded = Buffer.from(offset)
        expect(encoded.toString()).toBe(offset)
        expect(encoded.compare(last)).toBeGreaterThanOrEqual(0)
        expect(encoded.compare(next)).toBeLessThan(0)
      }),
      { numRuns: 5000 },
    )
  })

  it('knows the corners', () => {
    const hex = (text: string) => Buffer.from(text, 'hex')
    expect(resumeOffset(Buffer.from('a'), Buffer.from('b'))).toBe('a')
    expect(resumeOffset(hex('61ff'), Buffer.from('b'))).toBeNull()
    expect(resumeOffset(hex('61ff'), Buffer.from('c'))).toBe('b')
    expect(resumeOffset(hex('6180'), Buffer.from('b'))).toBe('a\u0080')
    expect(resumeOffset(hex('61eda080'), hex('61ff'))).toBe('a\ue000')
    expect(resumeOffset(hex('61fffe'), hex('61ffff'))).toBeNull()
  })
})
