/** How a server tells about itself and treats its clients, over HTTP only. */
import { describe, expect, it } from 'vitest'
import { expectShape } from '../support/contract.ts'
import { basic, call, type Target, uniqueName } from '../support/http.ts'

export interface MannersServer extends Target {
  /** What it has logged so far, a line each. */
  output(): string
}

/** Every sample of an exposition by its name and labels as written. */
async function samples(target: Target): Promise<Map<string, number>> {
  const response = await fetch(`${target.baseUrl}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const found = new Map<string, number>()
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name = '', value = ''] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [line, `unreadable: ${line}`]
    expect(Number.isNaN(Number(value)), line).toBe(false)
    expect(found.has(name), line).toBe(false)
    found.set(name, Number(value))
  }
  return found
}

export function describeManners(title: string, server: () => MannersServer, local: string, broken: string): void {
  describe(title, () => {
    const name = uniqueName('manners')
    const objects = `/repositories/${name}/branches/main/objects?path=a`
    const create = () =>
      call(server(), 'POST', '/repositories', {
        json: { name, storage_id: local, storage_namespace: `local://${name}` },
      })

    it('counts and times requests by operation, and what storages were asked for', async () => {
      const before = await samples(server())
      expect((await create()).status).toBe(201)
      const body = Buffer.alloc(2000, 'x')
      expect((await call(server(), 'POST', objects, { body })).status).toBe(201)
      for (let at = 0; at < 3; at++) {
        expect((await call(server(), 'GET', `/repositories/${name}/refs/main/objects?path=a`)).bytes).toEqual(body)
      }
      await call(server(), 'GET', `/repositories/${name}/refs/main/objects?path=missing`)
      await call(server(), 'GET', '/nothing/like/it')
      const after = await samples(server())
      const grown = (sample: string) => (after.get(sample) ?? 0) - (before.get(sample) ?? 0)
      expect(grown('api_requests_total{code="200",method="GET",operation="getObject"}')).toBe(3)
      expect(grown('api_requests_total{code="404",method="GET",operation="getObject"}')).toBe(1)
      expect(grown('api_requests_total{code="404",method="any",operation="unknown"}')).toBe(1)
      expect(grown('api_request_duration_seconds_count{operation="getObject",code="200"}')).toBe(3)
      expect(grown('api_request_duration_seconds_bucket{operation="getObject",code="200",le="+Inf"}')).toBe(3)
      const storage = `storage_id="${local}",type="local"`
      expect(grown(`storage_requests_total{${storage},operation="get",outcome="ok"}`)).toBeGreaterThanOrEqual(3)
      expect(grown(`storage_request_duration_seconds_count{${storage},operation="put"}`)).toBeGreaterThanOrEqual(1)
      expect(grown(`storage_received_bytes_total{${storage}}`)).toBeGreaterThanOrEqual(3 * 2000)
      expect(grown(`storage_sent_bytes_total{${storage}}`)).toBeGreaterThanOrEqual(2000)
      expect(after.get('api_requests_in_flight')).toBe(0)
      expect(after.get(`storage_requests_in_flight{${storage}}`)).toBe(0)
      expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
      expect(after.get('process_uptime_seconds')).toBeGreaterThan(0)
      expect([...after.keys()].filter((sample) => sample.includes(name))).toEqual([])
    })

    it('takes statistics, keeps them here, and stays bounded whatever they are called', async () => {
      const report = (events: unknown) => call(server(), 'POST', '/statistics', { json: { events } })
      const mine = uniqueName('lakectl')
      for (const count of [2, 3]) {
        expect((await report([{ class: mine, name: 'fs_ls', count }])).status).toBe(204)
      }
      expect((await samples(server())).get(`client_events_total{class="${mine}",name="fs_ls"}`)).toBe(5)
      const strange = Array.from({ length: 1000 }, (_, at) => ({ class: mine, name: `n${at}`, count: 1 }))
      expect((await report([...strange, { class: 'a"b', name: 'x'.repeat(5000), count: 1 }])).status).toBe(204)
      const events = [...(await samples(server()))].filter(([sample]) => sample.startsWith('client_events_total'))
      expect(events.length).toBeLessThanOrEqual(302)
      const counted = events.reduce((sum, [, value]) => sum + value, 0)
      expect(counted).toBeGreaterThanOrEqual(1006)
      for (const bad of [
        { class: '', name: 'a', count: 1 },
        { class: 'a', name: '', count: 1 },
        { class: 'a', name: 'b', count: -1 },
      ]) {
        const refused = await report([bad])
        expect({ status: refused.status, message: refused.json?.message }).toEqual({
          status: 400,
          message: expect.stringMatching(/events\.0\.(class|name|count)/),
        })
      }
    })

    it('has a usage report without months, as JSON and as text', async () => {
      const report = await call(server(), 'GET', '/usage-report/summary')
      expect(report.status).toBe(200)
      expectShape(report, 'InstallationUsageReport')
      const alive = await fetch(`${server().baseUrl}/_health`).then((response) => response.text())
      expect(alive).toBe(`alive! ${report.json.installation_id}`)
      const text = await call(server(), 'GET', '/usage-report/summary', { headers: { accept: 'text/plain' } })
      expect(text.headers.get('content-type')).toMatch(/^text\/plain/)
      expect(text.bytes.toString()).toContain(report.json.installation_id)
      expect((await call(server(), 'GET', '/usage-report/summary', { signed: false })).status).toBe(401)
    })

    it('is ready with a storage that is down, names it to users only, and shows no secret', async () => {
      const ready = await fetch(`${server().baseUrl}/_ready`)
      expect(ready.status).toBe(200)
      expect(ready.headers.get('content-type')).toBe('application/json')
      expect(await ready.json()).toEqual({ status: 'ready', draining: false, database: { up: true, reason: null } })
      const health = `${server().baseUrl}/api/interlaken/v1/health`
      const anonymous = await fetch(health)
      expect(anonymous.status).toBe(401)
      expect(await anonymous.json()).toEqual({ message: 'error authenticating request' })
      const wrong = await fetch(health, { headers: { authorization: basic({ ...server(), secretAccessKey: 'no' }) } })
      expect(wrong.status).toBe(401)
      const report = await fetch(health, { headers: { authorization: basic(server()) } })
      expect(report.status).toBe(200)
      const { status, storages } = (await report.json()) as { status: string; storages: Record<string, unknown>[] }
      expect(status).toBe('ready')
      expect(storages.find(({ id }) => id === local)).toEqual({ id: local, type: 'local', up: true, reason: null })
      expect(storages.find(({ id }) => id === broken)).toMatchObject({ up: false, reason: expect.stringMatching(/./) })
      expect(JSON.stringify(storages)).not.toMatch(/storage-secret|storage-key/)
    })

    it('repeats the id of a request, and refuses headers without end', async () => {
      const named = await call(server(), 'GET', '/healthcheck', { headers: { 'x-request-id': 'mine-1' } })
      expect(named.headers.get('x-request-id')).toBe('mine-1')
      const refused = await call(server(), 'GET', '/healthcheck', { headers: { 'x-much': 'x'.repeat(200_000) } })
      expect(refused.status).toBe(431)
    })

    it('writes a line of JSON for each request and never a secret', async () => {
      const id = uniqueName('line')
      const { accessKeyId, secretAccessKey } = server()
      const login = await call(server(), 'POST', '/auth/login', {
        json: { access_key_id: accessKeyId, secret_access_key: secretAccessKey },
        signed: false,
        headers: { 'x-request-id': `${id}-login` },
      })
      const token: string = login.json.token
      expect(token).toMatch(/^ey/)
      const at = `/repositories/${name}`
      const asks: Record<string, Record<string, string>> = {
        basic: {},
        bearer: { authorization: `Bearer ${token}` },
        cookie: { authorization: '', cookie: `internal_auth_session=${token}` },
        wrong: { authorization: `Basic ${Buffer.from(`${accessKeyId}:a-wrong-secret`).toString('base64')}` },
      }
      for (const [kind, headers] of Object.entries(asks)) {
        const answer = await call(server(), 'GET', at, { headers: { ...headers, 'x-request-id': `${id}-${kind}` } })
        expect(answer.status, kind).toBe(kind === 'wrong' ? 401 : 200)
      }
      const link = await call(server(), 'GET', `/repositories/${name}/branches/main/staging/backing?path=linked`)
      const address: string = link.json.physical_address
      const signed = `${at}/refs/main/objects/stat?path=a&X-Amz-Signature=query-secret&token=query-secret`
      await call(server(), 'GET', signed, { headers: { 'x-request-id': `${id}-query` } })
      await call(server(), 'PUT', `/repositories/${name}/branches/main/staging/backing?path=linked`, {
        json: { staging: { physical_address: address }, checksum: 'abc', size_bytes: 3 },
        headers: { 'x-request-id': `${id}-link` },
      })
      const lines = await linesOf(id, 7)
      const requests = new Map(lines.map((line) => [line.requestId?.slice(id.length + 1), line]))
      expect(requests.get('basic')).toMatchObject({
        level: 30,
        msg: 'request',
        operation: 'getRepository',
        method: 'GET',
        path: `/api/v1${at}`,
        status: 200,
        user: 'admin',
        storage: local,
        bytesOut: expect.any(Number),
        durationMs: expect.any(Number),
        client: expect.stringMatching(/127\.0\.0\.1/),
      })
      expect(requests.get('cookie')?.user).toBe('admin')
      expect(requests.get('wrong')).toMatchObject({ status: 401, user: null })
      expect(requests.get('query')?.path).toBe(`/api/v1${at}/refs/main/objects/stat`)
      // The banner of the first start shows the administrator's key once; that is before the first request.
      const log = server().output().slice(server().output().indexOf('"msg":"request"'))
      const basicText = basic(server()).slice(6)
      const addressToken = address.split('/').at(-1) ?? address
      for (const secret of [
        secretAccessKey,
        token,
        basicText,
        'query-secret',
        'a-wrong-secret',
        addressToken,
        'storage-secret',
      ]) {
        expect(log.includes(secret), secret).toBe(false)
      }
    })

    async function linesOf(id: string, count: number): Promise<Record<string, string>[]> {
      const deadline = Date.now() + 15_000
      for (;;) {
        const lines = server()
          .output()
          .split('\n')
          .filter((line) => line.startsWith('{') && line.includes(`"requestId":"${id}-`) && line.endsWith('}'))
        if (lines.length >= count || Date.now() > deadline) {
          expect(lines.length).toBe(count)
          return lines.map((line) => JSON.parse(line))
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  })
}
