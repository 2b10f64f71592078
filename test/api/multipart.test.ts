import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundaryOf, type ChunkSource, openPart } from '../../src/api/multipart.ts'
import { DomainError } from '../../src/errors.ts'

function chunked(bytes: Buffer, cuts: readonly number[]): ChunkSource {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const chunks = [0, ...places].map((start, at) => bytes.subarray(start, places[at] ?? bytes.length))
  return {
    async next() {
      return chunks.shift() ?? null
    },
    async cancel() {},
  }
}

async function readAll(bytes: Buffer, cuts: readonly number[], boundary: string) {
  const part = await openPart(chunked(bytes, cuts), boundary, 'content')
  const pieces: Buffer[] = []
  for (let piece = await part.next(); piece !== null; piece = await part.next()) pieces.push(piece)
  return { contentType: part.contentType, bytes: Buffer.concat(pieces) }
}

function failure(promise: Promise<unknown>): Promise<DomainError> {
  return promise.then(
    () => {
      throw new Error('did not fail')
    },
    (error) => {
      if (!(error instanceof DomainError)) throw error
      return error
    },
  )
}

interface FormPart {
  readonly headers: readonly string[]
  readonly body: Buffer
}

function form(boundary: string, parts: readonly FormPart[], preamble = '', epilogue = '\r\n'): Buffer {
  return Buffer.concat([
    Buffer.from(preamble),
    ...parts.flatMap(({ headers, body }, at) => [
      Buffer.from(
        `${at === 0 && preamble === '' ? '' : '\r\n'}--${boundary}\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n`,
      ),
      body,
    ]),
    Buffer.from(`\r\n--${boundary}--${epilogue}`),
  ])
}

const content = 'Content-Disposition: form-data; name="content"; filename="x.bin"'
/** Bytes that are often almost a boundary. */
const tricky = fc
  .array(
    fc.oneof(fc.constantFrom('\r\n', '\r', '\n', '--', '\r\n--', '\r\n--bound', '\r\n--boundary', 'b'), fc.string()),
    {
      maxLength: 12,
    },
  )
  .map((words) => Buffer.from(words.join('')))

describe('one part of a multipart form', () => {
  test('comes out as it went in, however the body is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('other', 'file'), tricky), { maxLength: 2 }),
        tricky,
        fc.array(tricky, { maxLength: 2 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom('', 'preamble', 'two\r\nlines'),
        async (before, body, after, cuts, preamble) => {
          const boundary = 'boundaryX7'
          const bytes = form(
            boundary,
            [
              ...before.map(([name, value]) => ({
                headers: [`Content-Disposition: form-data; name="${name}"`],
                body: value,
              })),
              { headers: [content, 'Content-Type: text/csv; charset=utf-8'], body },
              ...after.map((value) => ({ headers: [content], body: value })),
            ],
            preamble,
          )
          const read = await readAll(bytes, cuts, boundary)
          expect(read.bytes.equals(body)).toBe(true)
          expect(read.contentType).toBe('text/csv; charset=utf-8')
        },
      ),
      { numRuns: 400 },
    )
  })

  test('a body cut off anywhere before the end of its last boundary fails', async () => {
    const bytes = form('b', [{ headers: [content], body: Buffer.from('some\r\n--bytes') }], '', '')
    for (let length = 0; length < bytes.length; length++) {
      const error = await failure(readAll(bytes.subarray(0, length), [7, 30], 'b'))
      expect(error.code).toBe('invalid_argument')
    }
    expect((await readAll(bytes, [7, 30], 'b')).bytes.toString()).toBe('some\r\n--bytes')
  })

  test('a longer word than the boundary is content', async () => {
    const body = Buffer.from('a\r\n--bb\r\n--b_\r\n')
    expect((await readAll(form('b', [{ headers: [content], body }]), [], 'b')).bytes.equals(body)).toBe(true)
  })

  test('a form without the field says so in the words of lakeFS', async () => {
    const other = {
      headers: ['Content-Disposition: form-data; name="file"; filename="content"'],
      body: Buffer.from('x'),
    }
    for (const parts of [[other], [], [{ headers: [], body: Buffer.from('no headers') }]]) {
      const bytes = parts.length === 0 ? Buffer.from('--b--\r\n') : form('b', parts)
      const error = await failure(readAll(bytes, [5], 'b'))
      expect(error.message).toBe("multipart upload missing key 'content': http: no such file")
    }
  })

  test('a file name cannot pose as the field', async () => {
    const bytes = form('b', [
      {
        headers: ['Content-Disposition: form-data; name="a"; filename="; name=\\"content\\""'],
        body: Buffer.from('no'),
      },
      { headers: ['content-disposition: form-data; filename="f"; name=content'], body: Buffer.from('yes') },
    ])
    const read = await readAll(bytes, [], 'b')
    expect(read.bytes.toString()).toBe('yes')
    expect(read.contentType).toBeNull()
  })

  test('endless part headers are refused', async () => {
    const bytes = form('b', [{ headers: [`X: ${'x'.repeat(40_000)}`], body: Buffer.from('') }])
    expect((await failure(readAll(bytes, [10_000, 20_000, 30_000], 'b'))).message).toMatch(/too long/)
  })
})

test.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data; charset=utf-8; Boundary="a b;c"', 'a b;c'],
  ['multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxk', '----WebKitFormBoundary7MA4YWxk'],
])('%s', (contentType, boundary) => {
  expect(boundaryOf(contentType)).toBe(boundary)
})

test.each(['multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'x'.repeat(71)}`])(
  '%s has no boundary',
  (contentType) => {
    expect(() => boundaryOf(contentType)).toThrow(DomainError)
  },
)
