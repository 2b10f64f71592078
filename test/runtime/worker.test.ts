/** The server as a Cloudflare Worker: in workerd, on R2, with Postgres behind a Hyperdrive binding. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeObjects } from '../acceptance/objects.ts'
import { describeThread } from '../acceptance/thread.ts'
import { basic, call, type Target } from '../support/http.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { buildWorker, type RunningWorker, setUp, startWorker } from '../support/worker.ts'

const stores = [
  { id: 'lake', type: 'r2', backward_compatible: true, r2: { binding: 'LAKE', bucket: 'lake' } },
  { id: 'unbound', type: 'r2', r2: { binding: 'NOWHERE', bucket: 'nowhere' } },
]
const variables = {
  INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'a secret for tests',
  INTERLAKEN_BLOCKSTORES_SIGNING_SECRET_KEY: 'another secret for tests',
  INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify(stores),
}
const r2Buckets = { LAKE: 'lake' }
const MIB = 1024 * 1024

/** A log line reaches us some time after the answer. */
function logs(worker: RunningWorker | undefined, line: string): Promise<void> {
  return expect.poll(() => worker?.output(), { timeout: 10_000 }).toContain(line)
}

afterAll(stopPostgres)

describe('the thread on workerd', () => {
  let worker: RunningWorker | undefined
  let database: string | undefined
  let target: Target | undefined
  let s3: S3Server | undefined
  const s3server = () => {
    if (s3 === undefined) throw new Error('the S3 server is there once the first hook ran')
    return s3
  }
  const server = () => {
    if (target === undefined) throw new Error('the Worker is there once the first hook ran')
    return target
  }
  const send = (...args: Parameters<typeof call> extends [Target, ...infer Rest] ? Rest : never) =>
    call(server(), ...args)
  const query = async <Row>(text: string): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: database })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows as Row[]
  }
  const whenIdle = () =>
    expect
      .poll(
        () => query('SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'),
        {
          timeout: 20_000,
        },
      )
      .toEqual([])

  beforeAll(async () => {
    database = await createDatabase()
    s3 = await startS3Server()
    const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
    const bucket = { id: 'bucket', type: 's3', s3: { endpoint: s3.endpoint, force_path_style: true, credentials } }
    worker = await startWorker({
      hyperdrives: { HYPERDRIVE: database },
      r2Buckets,
      bindings: { ...variables, INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify([...stores, bucket]) },
    })
    target = await setUp(worker)
    for (const json of [
      { name: 'faults', storage_id: 'lake', storage_namespace: 's3://lake/faults' },
      { name: 'on-s3', storage_id: 'bucket', storage_namespace: 's3://bucket/faults' },
    ]) {
      const created = await send('POST', '/repositories', { json })
      expect(created.status, created.bytes.toString()).toBe(201)
    }
  })
  afterAll(async () => {
    await worker?.stop()
    await s3?.close()
  })

  describeThread('in an R2 bucket', server, () => ({ id: 'lake', namespace: 's3://lake/thread' }))
  // R2's binding cannot copy: here copies stream through the Worker.
  describeObjects('objects on R2', server, { id: 'lake', namespace: 's3://lake/objects', presigns: false })
  describeThread('in an S3 bucket', server, () => ({ id: 'bucket', namespace: 's3://bucket/thread' }))
  describeThread('on the default storage', server, () => ({ id: null, namespace: 's3://lake/default' }))

  it('says that a storage without its bucket is down, and serves the others', async () => {
    const json = { name: 'nowhere', storage_id: 'unbound', storage_namespace: 's3://nowhere/x' }
    const refused = await send('POST', '/repositories', { json })
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(refused.json.message).toContain('no R2 bucket is bound as "NOWHERE"')
    await logs(worker, 'storage is down')
  })

  it('sends large objects with their length, and asks proxies to leave objects as they are', async () => {
    const at = '/repositories/faults/branches/main/objects?path=large'
    const body = new Uint8Array(5 * MIB).fill(7)
    expect((await send('POST', at, { body })).status).toBe(201)
    const got = await send('GET', '/repositories/faults/refs/main/objects?path=large')
    expect(got.headers.get('content-length')).toBe(String(body.length))
    expect(got.headers.get('cache-control')).toContain('no-transform')
    expect(got.bytes.equals(body)).toBe(true)
  })

  it('holds no connection longer than a request, also when the client leaves in the middle of a download', async () => {
    const controller = new AbortController()
    const url = `${server().baseUrl}/api/v1/repositories/faults/refs/main/objects?path=large`
    const download = await fetch(url, { headers: { authorization: basic(server()) }, signal: controller.signal })
    await download.body?.getReader().read()
    controller.abort()
    await whenIdle()
  })

  it('leaves no entry of an upload whose client went away', async () => {
    const { hostname, port } = new URL(server().baseUrl)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(
      `POST /api/v1/repositories/faults/branches/main/objects?path=half HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(server())}\r\nContent-Length: ${6 * MIB}\r\n\r\n`,
    )
    socket.write(Buffer.alloc(3 * MIB))
    await expect
      .poll(() =>
        query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`),
      )
      .not.toEqual([])
    socket.destroy()
    await whenIdle()
    expect((await send('GET', '/repositories/faults/refs/main/objects/stat?path=half')).status).toBe(404)
  })

  it('answers whoever reads the tables that another request began to read and never got', async () => {
    expect((await send('POST', '/repositories/on-s3/branches/main/objects?path=x', { body: 'x' })).status).toBe(201)
    const made = await send('POST', '/repositories/on-s3/branches/main/commits', { json: { message: 'one' } })
    expect(made.status).toBe(201)
    const path = `/repositories/on-s3/refs/${made.json.id}/objects?path=x`
    const leaver = new AbortController()
    const stalling = new Promise<ServerResponse>((resolve) => {
      s3server().intercept = ({ method, url }, response) => {
        if (method !== 'GET' || url?.includes('_lakefs') !== true) return false
        s3server().intercept = null
        resolve(response)
        return true
      }
    })
    const url = `${server().baseUrl}/api/v1${path}`
    const left = fetch(url, { headers: { authorization: basic(server()) }, signal: leaver.signal }).catch(() => 'left')
    const stalled = await stalling
    expect((await send('GET', path)).bytes.toString()).toBe('x')
    // It was not waited for.
    expect(stalled.closed).toBe(false)
    leaver.abort()
    expect(await left).toBe('left')
    expect((await send('GET', path)).bytes.toString()).toBe('x')
    stalled.destroy()
    await whenIdle()
  })

  it('breaks a download whose storage breaks in the middle', async () => {
    const body = new Uint8Array(3 * MIB).fill(7)
    expect((await send('POST', '/repositories/on-s3/branches/main/objects?path=large', { body })).status).toBe(201)
    s3server().intercept = ({ method }, response) => {
      if (method !== 'GET') return false
      s3server().intercept = null
      response.writeHead(200, { 'content-length': String(body.length), etag: '"x"' })
      response.write(body.subarray(0, 2 * MIB), () => setTimeout(() => response.destroy(), 50))
      return true
    }
    await expect(send('GET', '/repositories/on-s3/refs/main/objects?path=large')).rejects.toThrow()
    expect((await send('GET', '/repositories/on-s3/refs/main/objects?path=large')).bytes.equals(body)).toBe(true)
    await whenIdle()
  })

  it('sweeps retired tokens when its cron trigger fires', async () => {
    const token = '00000000-0000-4000-8000-000000000000'
    await query(`INSERT INTO staged (token, path, rec) VALUES ('${token}', 'x', NULL)`)
    await query(`INSERT INTO retired_tokens (token, retired_at) VALUES ('${token}', now() - interval '11 minutes')`)
    expect((await fetch(`${server().baseUrl}/cdn-cgi/handler/scheduled`)).status).toBe(200)
    expect(await query(`SELECT token FROM retired_tokens WHERE token = '${token}'`)).toEqual([])
    expect(await query(`SELECT token FROM staged WHERE token = '${token}'`)).toEqual([])
  })
})

describe('a Worker', () => {
  const started: RunningWorker[] = []
  const start = async (bindings: Record<string, string>, hyperdrives: Record<string, string>) => {
    const worker = await startWorker({ hyperdrives, r2Buckets, bindings })
    started.push(worker)
    return worker
  }
  afterAll(async () => {
    for (const worker of started) await worker.stop()
  })

  it('is set up by its variables, by many first requests at once, and found so by the next isolate', async () => {
    const database = await createDatabase()
    const keys = { accessKeyId: 'AKIAJWORKERWORKERQ', secretAccessKey: 'a secret access key' }
    const installation = {
      ...variables,
      INTERLAKEN_INSTALLATION_USER_NAME: 'root',
      INTERLAKEN_INSTALLATION_ACCESS_KEY_ID: keys.accessKeyId,
      INTERLAKEN_INSTALLATION_SECRET_ACCESS_KEY: keys.secretAccessKey,
    }
    const first = await start(installation, { HYPERDRIVE: database })
    const asking = Array.from({ length: 8 }, () => call({ ...keys, baseUrl: first.baseUrl }, 'GET', '/user'))
    for (const answer of await Promise.all(asking)) {
      expect([answer.status, answer.json?.user?.id], answer.bytes.toString()).toEqual([200, 'root'])
    }
    const next = await start(variables, { HYPERDRIVE: database })
    expect((await call({ ...keys, baseUrl: next.baseUrl }, 'GET', '/user')).json.user.id).toBe('root')

    const other = await start(
      { ...variables, INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'not the one' },
      { HYPERDRIVE: database },
    )
    expect((await call({ ...keys, baseUrl: other.baseUrl }, 'GET', '/user')).status).toBe(503)
    await logs(other, 'sealed with another auth.encrypt.secret_key')
  })

  it('that is not configured answers 503 and logs every fault', async () => {
    const worker = await start({ INTERLAKEN_LOGGING_LEVEL: 'loud' }, { HYPERDRIVE: await createDatabase() })
    const answer = await fetch(`${worker.baseUrl}/api/v1/healthcheck`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toEqual({ message: 'the server is not ready; its log says why' })
    for (const path of ['logging.level', 'auth.encrypt.secret_key', 'blockstore'])
      await logs(worker, `interlaken: ${path}`)
    const unbound = await start(variables, {})
    expect((await fetch(`${unbound.baseUrl}/api/v1/healthcheck`)).status).toBe(503)
    await logs(unbound, 'interlaken: HYPERDRIVE: is not bound')
  })
})

describe('bodies on workerd', () => {
  let worker: RunningWorker | undefined
  beforeAll(async () => {
    worker = await startWorker({ entry: 'test/support/bodies-worker.ts', outfile: 'dist/test/bodies-worker.mjs' })
  })
  afterAll(() => worker?.stop())
  // Without compression, which Miniflare would put between.
  const get = (query: string) => fetch(`${worker?.baseUrl}/?${query}`, { headers: { 'accept-encoding': 'identity' } })

  it('keep their length, and fail at the client when they fail', async () => {
    const whole = await get('known&ends')
    expect(whole.headers.get('content-length')).toBe('131072')
    expect((await whole.arrayBuffer()).byteLength).toBe(131072)
    const broken = await get('known')
    expect(broken.headers.get('content-length')).toBe('196608')
    await expect(broken.arrayBuffer()).rejects.toThrow()
  })

  it('would lose their length and look complete without what is done about it', async () => {
    const broken = await get('plain')
    expect(broken.headers.get('content-length')).toBeNull()
    expect((await broken.arrayBuffer()).byteLength).toBe(131072)
  })

  it('come in large chunks', async () => {
    const body = new Uint8Array(3_000_000)
    const sizes = (await (await fetch(`${worker?.baseUrl}/`, { method: 'POST', body })).json()) as number[]
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(body.length)
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(256 * 1024)
  })
})

describe('the bundle', () => {
  it('is small, needs no compiler at run time and has no driver in it that Workers cannot use', async () => {
    const file = await buildWorker()
    const bundle = readFileSync(file)
    // The limit of Cloudflare's free plan, compressed.
    expect(gzipSync(bundle).length).toBeLessThan(3 * MIB)
    expect(bundle.toString()).not.toMatch(/\beval\(|new Function\b|\bFunction\(["'`]/)
    const { inputs } = JSON.parse(readFileSync(`${file}.inputs.json`, 'utf8')) as { inputs: string[] }
    expect(inputs).toContain('src/worker.ts')
    expect(inputs.filter((path) => /node_modules\/(pg|@electric-sql\/pglite|@hono\/node-server)\//.test(path))).toEqual(
      [],
    )
  })
})
