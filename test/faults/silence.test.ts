/** Clients that promise a body and fall silent hold nothing that others need, and not for long. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../support/http.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { framings, openUpload } from './raw-upload.ts'
import { createRepository, expectAbsent, expectUsable, filesUnder, type TestRepository, until } from './support.ts'

const IN_FLIGHT = 8
const MIB = 1024 ** 2

describe.each(['bun', 'node'] as const)('silent clients of a server on %s', (runtime) => {
  let server: RunningServer
  let folder: string
  let repository: TestRepository

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interlaken-silence-'))
    server = await startServer({
      runtime,
      environment: { INTERLAKEN_LIMITS_REQUESTS_IN_FLIGHT: String(IN_FLIGHT), INTERLAKEN_LIMITS_BODY_IDLE: '1s' },
      stores: [{ id: 'disk', type: 'local', local: { path: join(folder, 'disk') } }],
    })
    repository = await createRepository(server, 'disk', 'local://silence')
  })
  afterAll(async () => {
    await server?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** What a login of which only a byte comes is answered. */
  function halfLogin(): Promise<string> {
    const { hostname, port } = new URL(server.baseUrl)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.setEncoding('utf8').on('error', () => undefined)
    socket.write(
      `POST /api/v1/auth/login HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    )
    return new Promise((resolve) => {
      let text = ''
      socket.on('data', (more) => {
        text += more
        if (text.endsWith('}\n')) socket.destroy()
      })
      socket.on('close', () => resolve(text))
    })
  }

  async function inFlight(): Promise<number> {
    const text = await fetch(`${server.baseUrl}/metrics`).then((response) => response.text())
    return Number(/^api_requests_in_flight (\d+)$/m.exec(text)?.[1])
  }

  it('without credentials take no place from those who have some', async () => {
    const halves = Array.from({ length: 3 * IN_FLIGHT }, halfLogin)
    await until('a place for each that may have one', async () => (await inFlight()) === IN_FLIGHT / 4)
    const answers = Array.from({ length: IN_FLIGHT - 1 }, () => call(server, 'GET', `/repositories/${repository.name}`))
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200)
    const statuses = (await Promise.all(halves)).map((text) => text.split(' ')[1])
    expect(statuses.filter((status) => status === '408')).toHaveLength(IN_FLIGHT / 4)
    expect(statuses.filter((status) => status === '503')).toHaveLength(3 * IN_FLIGHT - IN_FLIGHT / 4)
    expect(await inFlight()).toBe(0)
  })

  it.each(framings)('in the middle of an upload are refused, and leave nothing (%s)', async (framing) => {
    const before = filesUnder(join(folder, 'disk'))
    for (const sizeBytes of [1000, 8 * MIB]) {
      const upload = await openUpload(server, repository.objects('silent'), framing, sizeBytes)
      await upload.send(Buffer.alloc(sizeBytes / 2))
      const answer = await upload.answer
      expect(answer?.status, answer?.body).toBe(408)
      expect(answer?.head).toMatch(/^connection: close$/im)
      expect(JSON.parse(answer?.body ?? '').message).toMatch(
        /^cannot read the request body: (no byte came for 1 s|it was)/,
      )
      await expectAbsent(server, repository, 'silent')
    }
    await until('a disk without left-overs', () => filesUnder(join(folder, 'disk')).length === before.length)
    expect(await inFlight()).toBe(0)
    await expectUsable(server, repository)
  })
})
