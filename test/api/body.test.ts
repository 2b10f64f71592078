import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { databaseText, readJson, readOptionalJson } from '../../src/api/body.ts'
import { type BodySource, wholeOf } from '../../src/api/body-patience.ts'

const schema = v.object({ name: databaseText, nested: v.nullish(v.object({ list: v.array(v.number()) })) })

function request(
  body: BodyInit | null,
  contentType: string | null = 'application/json',
  length = true,
  bodyIdleMs = 0,
): BodySource {
  const headers = new Headers()
  if (contentType !== null) headers.set('content-type', contentType)
  if (length && (typeof body === 'string' || body instanceof Uint8Array)) {
    headers.set('content-length', String(Buffer.byteLength(body)))
  }
  const raw = new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
  return { raw, bodyIdleMs }
}

function streamed(...chunks: readonly (string | Uint8Array | Error)[]): ReadableStream<Uint8Array> {
  const left = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift()
      if (chunk === undefined) controller.close()
      else if (chunk instanceof Error) controller.error(chunk)
      else controller.enqueue(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    },
  })
}

describe('a JSON body', () => {
  test('is read whole, with and without a stated length', async () => {
    const expected = { name: 'é', nested: { list: [1, 2] } }
    const text = JSON.stringify({ ...expected, unknown: 1 })
    for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON ;x=y']) {
      expect(await readJson(request(text, type), schema)).toEqual(expected)
    }
    const bytes = Buffer.from(text)
    const cut = bytes.indexOf('é') + 1
    expect(await readJson(request(streamed(bytes.subarray(0, cut), bytes.subarray(cut))), schema)).toEqual(expected)
    expect(await readJson(request(streamed('{"na', 'me":"x"}')), schema)).toEqual({ name: 'x' })
  })

  test('may be absent only where that is allowed', async () => {
    await expect(readJson(request(null), schema)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'request body has an error: value is required but missing',
    })
    expect(await readOptionalJson(request(null, null), schema)).toBeNull()
    expect(await readOptionalJson(request('{"name":"x"}'), schema)).toEqual({ name: 'x' })
  })

  test.each([
    ['{"name":', /not JSON/],
    ['{}', /: field "name" is required but missing$/],
    ['{"name":1}', /field "name"/],
    ['{"name":"x","nested":{"list":[1,"2"]}}', /field "nested\.list\.1"/],
    ['{"name":"a","nested":{}}', /: field "nested.list" is required but missing$/],
    ['{"name":"a","nested":1}', /field "nested": Invalid type/],
    ['[]', /: must be an object$/],
    ['null', /: must be an object$/],
    ['"x"', /: must be an object$/],
    ['{"name":"a\\u0000b"}', /field "name": must not contain NUL/],
    ['{"name":"\\ud800"}', /field "name": text with a lone surrogate/],
    ['{"x":{"\\uDC00":1},"name":"a"}', /field "x": a key with a lone surrogate/],
    ['{"x":{"y":["a","\\uDC00"]},"name":"a"}', /field "x.y.1": text with a lone surrogate/],
    ['"\\ud800"', /has an error: text with a lone surrogate/],
  ])('%s is refused with its reason', async (text, reason) => {
    const refused = expect(readJson(request(text), schema)).rejects
    await refused.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^request body has an error: /),
    })
    await expect(readJson(request(text), schema)).rejects.toThrow(reason)
  })

  test('keeps a surrogate pair and a backslash that only looks like one', async () => {
    expect(await readJson(request('{"name":"\\ud83d\\ude00 \\\\ud800"}'), schema)).toEqual({ name: '😀 \\ud800' })
  })

  test('may be nested deeper than calls can be', async () => {
    const deep = (inside: string) => `{"name":"x","more":${'['.repeat(200_000)}${inside}${']'.repeat(200_000)}}`
    expect(await readJson(request(deep('"\\ud83d\\ude00"')), schema)).toEqual({ name: 'x' })
    await expect(readJson(request(deep('"\\ud83d"')), schema)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('an array is no object with nothing in it', async () => {
    const optional = v.object({ force: v.nullish(v.boolean()) })
    await expect(readJson(request('[]'), optional)).rejects.toThrow('request body has an error: must be an object')
    expect(await readJson(request('{}'), optional)).toEqual({})
    expect(await readJson(request('[true]'), v.array(v.boolean()))).toEqual([true])
  })

  test('must be UTF-8, and JSON by its type', async () => {
    const latin = Buffer.from('{"name":"\xe9"}', 'latin1')
    await expect(readJson(request(latin), schema)).rejects.toThrow('not UTF-8')
    for (const type of [null, 'text/plain', 'application/jsonp', 'application/x-www-form-urlencoded']) {
      await expect(readJson(request('{"name":"x"}', type), schema)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })

  test('is bounded, stated or not, and never read beyond its bound', async () => {
    const text = JSON.stringify({ name: 'x'.repeat(200) })
    await expect(readJson(request(text), schema, { limitBytes: 100 })).rejects.toMatchObject({
      code: 'payload_too_large',
    })
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(Buffer.alloc(50, 0x20))
      },
    })
    await expect(readJson(request(endless), schema, { limitBytes: 100 })).rejects.toMatchObject({
      code: 'payload_too_large',
    })
    expect(pulled).toBeLessThan(10)
    expect(await readJson(request(text), schema, { limitBytes: text.length })).toBeDefined()
  })

  test('of a client that went away is incomplete, not our fault', async () => {
    const cut = request(streamed('{"name"', new Error('aborted')))
    await expect(readJson(cut, schema)).rejects.toMatchObject({ code: 'body_incomplete' })
  })

  test('that stops coming is given up, with and without a stated length', async () => {
    const silent = () =>
      new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{"name"')) })
    const refusal = { code: 'body_silent', message: 'cannot read the request body: no byte came for 0.02 s' }
    await expect(readJson(request(silent(), undefined, false, 20), schema)).rejects.toMatchObject(refusal)
    const declared = request(silent(), undefined, false, 20)
    declared.raw.headers.set('content-length', '8')
    await expect(readJson(declared, schema)).rejects.toMatchObject({ code: 'body_silent' })
  })

  test('that comes a byte now and then is given up too', async () => {
    const dripping = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        controller.enqueue(Buffer.from(' '))
      },
    })
    const drips = request(dripping, undefined, false, 100)
    await expect(readJson(drips, schema, { limitBytes: 400 })).rejects.toMatchObject({
      code: 'body_silent',
      message: 'cannot read the request body: it was not there after 0.198 s',
    })
  })

  test('has the time that a slow line needs', async () => {
    const slow = new Promise((resolve) => setTimeout(() => resolve('all'), 50))
    expect(await wholeOf(slow, 1, 4096)).toBe('all')
  })
})
