/** What no HTTP client would send, byte by byte: answered or hung up on, never served twice, and the server goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, call } from '../support/http.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { type Outcome, Wire } from './wire.ts'

const OBJECTS = '/api/v1/repositories/raw/branches/main/objects'
/** A whole request inside another one's body: seen as a second request only by who misread the first. */
const SMUGGLED = `DELETE ${OBJECTS}?path=kept HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\n\r\n`

type Raw = readonly [title: string, ...parts: readonly string[]]

/** `%AUTH%` stands for good credentials. Several parts: the connection is cut off after the last. */
const malformed: readonly Raw[] = [
  ['no method', '/api/v1/config HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no target', 'GET HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no version', 'GET /api/v1/config\r\nHost: x\r\n\r\n'],
  ['HTTP/9.9', 'GET /api/v1/config HTTP/9.9\r\nHost: x\r\n\r\n'],
  ['an unknown method in lower case', 'get /api/v1/config HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a space in the target', 'GET /api/v1/con fig HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['NUL in the target', 'GET /api/v1/\0config HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['NUL in a header', 'GET /api/v1/config HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n'],
  ['a header without colon', 'GET /api/v1/config HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n'],
  ['a header with a space before its colon', 'GET /api/v1/config HTTP/1.1\r\nHost : x\r\n\r\n'],
  ['a folded header', 'GET /api/v1/config HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n'],
  ['a header of 1 MiB', `GET /api/v1/config HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(1024 ** 2)}\r\n\r\n`],
  ['a target of 1 MiB', `GET /api/v1/config?x=${'y'.repeat(1024 ** 2)} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ['5,000 headers', `GET /api/v1/config HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(5000)}\r\n`],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(200, '\x07')],
  ['nothing but lines', '\r\n'.repeat(1000)],
  ['a negative length', `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`],
  ['a length of letters', `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n`],
  [
    'a length beyond numbers',
    `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\n`,
  ],
  ['two lengths', `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  [
    'a chunk size of letters',
    `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ],
  [
    'a huge chunk size',
    `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nTransfer-Encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n`,
  ],
  [
    'an unknown transfer encoding',
    `POST ${OBJECTS}?path=x HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nTransfer-Encoding: rot13\r\n\r\nx`,
  ],
  ['an unknown method', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a host with a path in it', 'GET /api/v1/config HTTP/1.1\r\nHost: x/../y\r\n\r\n'],
  ['two hosts', 'GET /api/v1/config HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
  ['a target that is no path', 'GET * HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['an absolute target with credentials', 'GET http://a:b@x/api/v1/config HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a cut request line', 'GET /api/v1'],
  ['a cut header', 'GET /api/v1/config HTTP/1.1\r\nHos'],
  [
    'a body shorter than its length',
    `POST ${OBJECTS}?path=short HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nContent-Length: 100\r\n\r\nshort`,
  ],
  [
    'a JSON body shorter than its length',
    `POST /api/v1/repositories HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":`,
  ],
  [
    'a cut chunk',
    `POST ${OBJECTS}?path=short HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nshort`,
  ],
  [
    'chunks without an end',
    `POST ${OBJECTS}?path=short HTTP/1.1\r\nHost: x\r\nAuthorization: %AUTH%\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n`,
  ],
]

const smuggling: readonly Raw[] = [
  ['a length and chunks', 'Content-Length: %INNER%\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: %INNER%\r\n\r\n0\r\n\r\n'],
  ['chunks, misspelled', 'Content-Length: %INNER%\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  [
    'chunks twice',
    'Content-Length: %INNER%\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
  ],
  ['chunks behind a tab', 'Content-Length: %INNER%\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n'],
  ['chunks behind a space', 'Content-Length: %INNER%\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'Content-Length: %INNER%\r\nContent-Length: 0\r\n\r\n'],
  ['a length with a sign', 'Content-Length: +%INNER%\r\n\r\n'],
  ['a list of lengths', 'Content-Length: 0, %INNER%\r\n\r\n'],
]

describe.each(['bun', 'node'] as const)('raw bytes to %s', (runtime) => {
  let server: RunningServer

  beforeAll(async () => {
    server = await startServer({ runtime })
    const [{ blockstore_id }] = (await call(server, 'GET', '/config')).json.storage_config_list
    const made = await call(server, 'POST', '/repositories', {
      json: { name: 'raw', storage_id: blockstore_id, storage_namespace: 'local://raw' },
    })
    expect(made.status, made.bytes.toString()).toBe(201)
    await call(server, 'POST', '/repositories/raw/branches/main/objects?path=kept', { body: 'kept' })
  })
  afterAll(async () => {
    await server.stop()
  })

  /** Sends bytes and then no more. */
  async function send(bytes: string, method: string): Promise<{ readonly outcome: Outcome; readonly wire: Wire }> {
    const wire = new Wire(server.baseUrl)
    const told = bytes.replaceAll('%AUTH%', basic(server))
    const outcome = wire.exchange(method, Buffer.from(told, 'latin1'))
    wire.end()
    return { outcome: await outcome, wire }
  }

  /** Nothing appeared, nothing went, nothing failed. */
  async function expectUnharmed(): Promise<void> {
    const list = await call(server, 'GET', '/repositories/raw/refs/main/objects/ls')
    expect(list.json?.results.map(({ path }: { path: string }) => path)).toEqual(['kept'])
    expect(server.output()).not.toMatch(/request failed|unhandled|uncaught/i)
  }

  it.each(malformed)('are refused: %s', async (_, bytes) => {
    const { outcome, wire } = await send(bytes, bytes.split(' ')[0] ?? '')
    wire.close()
    expect(outcome.kind).not.toBe('hang')
    if (outcome.kind === 'answer') {
      const { status, body } = outcome.answer
      expect(status, body.toString()).toBeGreaterThanOrEqual(400)
      // 505: a version of HTTP that there is not.
      if (status !== 505) expect(status, body.toString()).toBeLessThan(500)
    }
    await expectUnharmed()
  })

  it.each(smuggling)('hide no second request: %s', async (_, headers) => {
    const start = 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    const inner = SMUGGLED.replace('%AUTH%', basic(server))
    const whole = start + headers.replace('%INNER%', String(inner.length)) + inner
    const { outcome, wire } = await send(whole, 'POST')
    expect(outcome.kind).not.toBe('hang')
    if (outcome.kind === 'answer') expect(outcome.answer.status).toBeGreaterThanOrEqual(400)
    wire.close()
    await expectUnharmed()
  })

  it('are told what is wrong with them, where the runtime lets us', async () => {
    const target = `/api/v1/config?x=${runtime === 'node' ? '\xff' : ''}`
    const bad = runtime === 'node' ? 'HTTP/1.1\r\nHost: x' : 'HTTP/1.1\r\nHost: x/../y'
    const got = await send(`GET ${target} ${bad}\r\n\r\n`, 'GET')
    if (got.outcome.kind !== 'answer') throw new Error('no answer')
    const { status, headers, body } = got.outcome.answer
    expect([status, headers.get('content-type')]).toEqual([400, expect.stringMatching(/^application\/json/)])
    expect(JSON.parse(body.toString())).toEqual({ message: expect.stringMatching(/Host|url query/) })
    await got.wire.closed
    const head = await send(`HEAD ${target} ${bad}\r\n\r\n`, 'HEAD')
    await head.wire.closed
    expect([head.outcome.kind, head.wire.stray]).toEqual(['answer', ''])
  })

  it('are two requests when they say so', async () => {
    const inner = SMUGGLED.replace('kept', 'other').replace('%AUTH%', basic(server))
    await call(server, 'POST', '/repositories/raw/branches/main/objects?path=other', { body: 'other' })
    const { outcome, wire } = await send(`GET /api/v1/healthcheck HTTP/1.1\r\nHost: x\r\n\r\n${inner}`, 'GET')
    expect(outcome).toMatchObject({ kind: 'answer', answer: { status: 204 } })
    await wire.closed
    await expectUnharmed()
  })

  it('of a client that resets in the middle of a body leave nothing', async () => {
    for (let times = 0; times < 20; times++) {
      const wire = new Wire(server.baseUrl)
      wire.write(
        `POST ${OBJECTS}?path=short HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(server)}\r\nContent-Length: 100\r\n\r\nshort`,
      )
      await call(server, 'GET', '/healthcheck')
      wire.close()
    }
    await expectUnharmed()
  })
})
