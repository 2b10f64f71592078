// Drives any server that speaks the lakeFS REST API, closed loop, and prints one JSON line per operation.
// node bench.mjs --base http://127.0.0.1:8000 --ak KEY --sk SECRET --ns local://bench-1 --label lakefs [--only a,b] [--n 20000] [--pid SERVER_PID] [--storage-id ID]

import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'

const args = Object.fromEntries(
  process.argv
    .slice(2)
    .join(' ')
    .split('--')
    .filter(Boolean)
    .map((p) => {
      const [k, ...v] = p.trim().split(' ')
      return [k, v.join(' ') || 'true']
    }),
)
const base = new URL(args.base),
  label = args.label ?? 'x',
  N = Number(args.n ?? 20000),
  conc = Number(args.conc ?? 16)
const auth = `Basic ${Buffer.from(`${args.ak}:${args.sk}`).toString('base64')}`
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
const only = args.only ? new Set(args.only.split(',')) : null
const pids = String(args.pid ?? '')
  .split(',')
  .filter(Boolean) // --pid may name several processes of one server
const rss = () => {
  if (!pids.length) return null
  let r = 0,
    h = 0
  for (const p of pids)
    try {
      const s = readFileSync(`/proc/${p}/status`, 'utf8')
      r += +/VmRSS:\s+(\d+)/.exec(s)[1]
      h += +/VmHWM:\s+(\d+)/.exec(s)[1]
    } catch {}
  return { rssMiB: Math.round(r / 1024), peakMiB: Math.round(h / 1024) }
}
const cpuMs = () => {
  let t = 0
  for (const p of pids)
    try {
      const f = readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1].split(' ')
      t += (+f[11] + +f[12]) * 10
    } catch {}
  return t
} // user + system time, clock ticks of 10 ms
function req(method, path, { body, headers = {}, sink } = {}) {
  return new Promise((resolve, reject) => {
    const h = { authorization: auth, ...headers }
    if (body && typeof body === 'object' && !Buffer.isBuffer(body)) {
      body = Buffer.from(JSON.stringify(body))
      h['content-type'] = 'application/json'
    }
    if (body) h['content-length'] = body.length
    const r = http.request(
      { agent, host: base.hostname, port: base.port, method, path: `/api/v1${path}`, headers: h },
      (res) => {
        const chunks = []
        let n = 0
        res.on('data', (c) => {
          n += c.length
          if (!sink) chunks.push(c)
        })
        res.on('end', () => {
          const text = sink ? '' : Buffer.concat(chunks).toString()
          resolve({
            status: res.statusCode,
            text,
            bytes: n,
            headers: res.headers,
            get json() {
              return JSON.parse(text)
            },
          })
        })
        res.on('error', reject)
      },
    )
    r.on('error', reject)
    if (body) r.write(body)
    r.end()
  })
}
async function must(method, path, opt, ok = [200, 201, 202, 204]) {
  const r = await req(method, path, opt)
  if (!ok.includes(r.status)) throw new Error(`${method} ${path} -> ${r.status} ${r.text.slice(0, 300)}`)
  return r
}
async function loop(name, total, c, fn) {
  const lat = []
  let i = 0,
    errs = 0
  const cpu0 = cpuMs(),
    t0 = performance.now()
  await Promise.all(
    Array.from({ length: c }, async () => {
      while (i < total) {
        const k = i++
        const s = performance.now()
        try {
          const r = await fn(k)
          if (r.status >= 400) {
            errs++
            if (errs < 3) console.error(name, r.status, r.text.slice(0, 200))
          }
        } catch (e) {
          errs++
          if (errs < 3) console.error(name, e.message)
        }
        lat.push(performance.now() - s)
      }
    }),
  )
  const secs = (performance.now() - t0) / 1000
  lat.sort((a, b) => a - b)
  out(name, {
    ops: total,
    conc: c,
    secs,
    perSec: total / secs,
    p50ms: lat[lat.length >> 1],
    p99ms: lat[Math.floor(lat.length * 0.99)],
    errs,
    ...(pids.length ? { cpuUs: (1000 * (cpuMs() - cpu0)) / total } : {}),
  })
}
async function once(name, fn, extra = {}) {
  try {
    return await timed(name, fn, extra)
  } catch (e) {
    console.error(name, e.message)
    out(name, { errs: 1 })
  }
}
async function timed(name, fn, extra) {
  const cpu0 = cpuMs(),
    t0 = performance.now()
  const r = await fn()
  out(name, {
    secs: (performance.now() - t0) / 1000,
    ...(pids.length ? { cpuUs: 1000 * (cpuMs() - cpu0) } : {}),
    ...extra,
    ...(r ?? {}),
  })
  return r
}
function out(op, o) {
  for (const k in o) if (typeof o[k] === 'number') o[k] = Math.round(o[k] * 1000) / 1000
  console.log(JSON.stringify({ label, op, ...o, mem: rss() }))
}
const want = (op) => !only || only.has(op)
const repo = args.repo ?? `bench-${Date.now().toString(36)}`
const q = encodeURIComponent
const small = randomBytes(1024)
const key = (i) => `data/p=${String(i % 100).padStart(3, '0')}/f-${String(i).padStart(8, '0')}.bin`
const put = (branch, path, body) =>
  req('POST', `/repositories/${repo}/branches/${branch}/objects?path=${q(path)}`, {
    body,
    headers: { 'content-type': 'application/octet-stream' },
  })
const ns = args.ns
// What this machine can do right now, with nothing of the server in the way: the yardstick that makes two runs comparable.
async function calibrate() {
  const child = spawn(process.execPath, [
    '-e',
    "require('http').createServer((q,s)=>{s.statusCode=204;s.end()}).listen(0,'127.0.0.1',function(){console.log(this.address().port)})",
  ])
  const port = await new Promise((r) => child.stdout.once('data', (d) => r(Number(d))))
  const one = () =>
    new Promise((res, rej) =>
      http
        .get({ agent, host: '127.0.0.1', port, path: '/' }, (m) => {
          m.resume()
          m.on('end', () => res({ status: m.statusCode }))
        })
        .on('error', rej),
    )
  await loop('cal-http', 20000, conc, one)
  child.kill()
  const buf = Buffer.alloc(1 << 20, 3),
    t0 = performance.now()
  const md = createHash('md5'),
    sh = createHash('sha256')
  for (let i = 0; i < 256; i++) {
    md.update(buf)
    sh.update(buf)
  }
  md.digest()
  sh.digest()
  out('cal-hash', { MiBs: 256 / ((performance.now() - t0) / 1000) })
  const f = `${tmpdir()}/bench-fsync-${process.pid}`,
    fd = openSync(f, 'w'),
    t1 = performance.now()
  for (let i = 0; i < 300; i++) {
    writeSync(fd, buf, 0, 4096, i * 4096)
    fsyncSync(fd)
  }
  closeSync(fd)
  unlinkSync(f)
  out('cal-fsync', { perSec: 300 / ((performance.now() - t1) / 1000) })
  const dir = mkdtempSync(`${args.disk ?? tmpdir()}/bench-create-`)
  for (const [op, sync] of [
    ['cal-create', false],
    ['cal-create-fsync', true],
  ]) {
    const t2 = performance.now()
    for (let i = 0; i < 2000; i++) {
      const h = openSync(`${dir}/${op}-${i}`, 'wx')
      writeSync(h, buf, 0, 1024)
      if (sync) fsyncSync(h)
      closeSync(h)
    }
    out(op, { perSec: 2000 / ((performance.now() - t2) / 1000) })
  }
  // Not now: ext4 passes over inodes that were freed a moment ago, so that whoever creates files next pays for it.
  process.once('exit', () => rmSync(dir, { recursive: true }))
}
async function main() {
  await calibrate()
  if (args.calibrate === 'only') return
  await must('POST', '/repositories', {
    body: {
      name: repo,
      storage_namespace: ns,
      default_branch: 'main',
      ...(args['storage-id'] ? { storage_id: args['storage-id'] } : {}),
    },
  })
  const R = `/repositories/${repo}`
  if (want('health')) await loop('health', N, conc, () => req('GET', '/healthcheck'))
  if (want('getrepo')) await loop('get-repository', N, conc, () => req('GET', R))
  const M = Number(args.objects ?? 5000)
  await loop('put-1KiB', M, conc, (i) => put('main', key(i), small))
  await loop('stat-staged', M, conc, (i) => req('GET', `${R}/refs/main/objects/stat?path=${q(key(i))}`))
  await loop('list-staged-1000', 40, 4, () => req('GET', `${R}/refs/main/objects/ls?amount=1000`))
  await once('commit-small', () =>
    must('POST', `${R}/branches/main/commits`, { body: { message: 'one' } }).then(() => ({ entries: M })),
  )
  await must('GET', `${R}/branches/main`)
  // metadata-only staging of many entries
  const S = Number(args.stage ?? 50000)
  const nsClean = (args.physical ?? ns).replace(/\/$/, '')
  await loop('stage-entry', S, conc, (i) =>
    req('PUT', `${R}/branches/main/objects?path=${q(`big/${key(i)}`)}`, {
      body: {
        physical_address: `${nsClean}/data/bench/${i}`,
        checksum: createHash('md5').update(String(i)).digest('hex'),
        size_bytes: 1000 + (i % 977),
        content_type: 'application/octet-stream',
      },
    }),
  )
  await once('commit-large', () =>
    must('POST', `${R}/branches/main/commits`, { body: { message: 'many' } }).then(() => ({ entries: S })),
  )
  await loop('stat-committed', Math.min(N, 20000), conc, (i) =>
    req('GET', `${R}/refs/main/objects/stat?path=${q(`big/${key((i * 7919) % S)}`)}`),
  )
  await loop('get-1KiB', M, conc, (i) => req('GET', `${R}/refs/main/objects?path=${q(key(i))}`, { sink: true }))
  await loop('list-committed-1000', 60, 4, (i) =>
    req('GET', `${R}/refs/main/objects/ls?amount=1000&after=${q(`big/${key((i * 7919) % S)}`)}`),
  )
  await loop('list-delimiter', 400, 4, () =>
    req('GET', `${R}/refs/main/objects/ls?amount=1000&delimiter=%2F&prefix=${q('big/data/')}`),
  )
  await loop('create-branch', 500, conc, (i) =>
    req('POST', `${R}/branches`, { body: { name: `b-${i}`, source: 'main' } }),
  )
  await loop('log-page', 500, 8, () => req('GET', `${R}/refs/main/commits?amount=100`))
  // one change in a big tree
  await loop('commit-1-change', 20, 1, async (i) => {
    await put('b-0', `big/data/p=050/x-${i}`, small)
    return req('POST', `${R}/branches/b-0/commits`, { body: { message: `c${i}` } })
  })
  await loop('diff-20-changes', 100, 4, () => req('GET', `${R}/refs/main/diff/b-0?amount=1000`))
  await once('merge-20-changes', async () => {
    await must('POST', `${R}/refs/b-0/merge/main`, { body: { message: 'm' } })
  })
  await loop('diff-uncommitted-empty', 200, 4, () => req('GET', `${R}/branches/main/diff?amount=100`))
  await loop('parallel-commit-10-branches', 50, 10, async (i) => {
    const b = `b-${1 + (i % 10)}`
    await put(b, `z/${i}`, small)
    return req('POST', `${R}/branches/${b}/commits`, { body: { message: 'p' } })
  })
  if (want('stream')) {
    const big = Buffer.alloc(Number(args.big ?? 256) * 1048576, 7)
    const t0 = performance.now()
    const r = await put('main', 'stream/big.bin', big)
    const up = big.length / 1048576 / ((performance.now() - t0) / 1000)
    if (r.status >= 300) console.error('stream put', r.status, r.text.slice(0, 200))
    out('stream-put', { MiBs: up })
    const t1 = performance.now()
    const g = await req('GET', `${R}/refs/main/objects?path=stream/big.bin`, { sink: true })
    out('stream-get', { MiBs: g.bytes / 1048576 / ((performance.now() - t1) / 1000), bytes: g.bytes })
  }
  out('done', { head: 0, repo })
}
main().then(
  () => process.exit(0),
  (e) => {
    console.error(e)
    process.exit(1)
  },
)
