/** Request lines that browsers never send, and proxies and health checks do, on the runtimes as they are. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningServer, startServer } from '../support/server.ts'

describe.each(['bun', 'node'] as const)('on %s', (runtime) => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer({ runtime })
  })
  afterAll(() => server.stop())

  async function status(request: string): Promise<string> {
    const socket = connect(Number(new URL(server.baseUrl).port), '127.0.0.1')
    const chunks: Buffer[] = []
    socket.write(`${request}\r\nConnection: close\r\n\r\n`)
    for await (const chunk of socket) chunks.push(chunk)
    return Buffer.concat(chunks).toString().slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)
  }

  test.each([
    ['/_health', '200'],
    ['/api/v1/healthcheck', '204'],
    ['/api/v1/config?x=/', '401'],
    ['/api/v1/nothing', '404'],
  ])('%s without a host, and as a whole URL', async (path, expected) => {
    expect(await status(`GET ${path} HTTP/1.0`)).toBe(expected)
    expect(await status(`GET ${path} HTTP/1.1\r\nHost: lake`)).toBe(expected)
    expect(await status(`GET http://lake:8000${path} HTTP/1.1\r\nHost: lake:8000`)).toBe(expected)
  })
})
