import { describe, expect, test } from 'vitest'
import { entityTag } from '../../src/api/header-text.ts'
import { toResponse } from '../../src/api/responses.ts'

describe('a reply', () => {
  test('that cannot be sent closes its stream', async () => {
    for (const outgoing of [
      undefined,
      (body: ReadableStream<Uint8Array>) => body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()),
    ]) {
      let cancelled = false
      const body = new ReadableStream<Uint8Array>({
        cancel() {
          cancelled = true
        },
      })
      const reply = { status: 200, headers: { ETag: '"a\nb"' }, body }
      expect(() => toResponse(reply, 'GET', 'id', outgoing)).toThrow(TypeError)
      await expect.poll(() => cancelled).toBe(true)
    }
  })

  test('names any text as an entity tag, other texts by other tags', () => {
    expect(entityTag('d41d8cd98f00b204e9800998ecf8427e')).toBe('"d41d8cd98f00b204e9800998ecf8427e"')
    expect(entityTag('é')).toBe('"é"')
    const odd = ['\n', '\t', '\0', '\x7f', 'ā', '你', '😀', '\ud800']
    const tags = odd.map(entityTag)
    expect(tags[5]).toBe('"%E4%BD%A0"')
    expect(new Set(tags).size).toBe(odd.length)
    for (const tag of tags) expect(new Headers({ ETag: tag }).get('etag')).toBe(tag)
  })
})
