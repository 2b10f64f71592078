/**
 * The write guard through HTTP: how many entries a second 64 callers stage on one branch, alone and while another caller commits in a
 * loop, and whether every acknowledged one is there afterwards. `bun bench/write-guard-http.ts [seconds]`
 */
import { Agent, request } from 'node:http'
import { call, type Target, uniqueName } from '../test/support/http.ts'
import { createDatabase, stopPostgres } from '../test/support/postgres.ts'
import { startServer } from '../test/support/server.ts'

const seconds = Number(process.argv[2] ?? 5)
const CALLERS = 64
const agent = new Agent({ keepAlive: true, maxSockets: CALLERS + 1 })

/** One request over a kept connection: `fetch` would be the limit. */
function send(target: Target, method: string, path: string, json: unknown): Promise<number> {
  const body = JSON.stringify(json)
  const { hostname, port } = new URL(target.baseUrl)
  const authorization = `Basic ${btoa(`${target.accessKeyId}:${target.secretAccessKey}`)}`
  const headers = { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, path: `/api/v1${path}`, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function measure(target: Target, commits: boolean): Promise<string> {
  const name = uniqueName('guard')
  const R = `/repositories/${name}`
  await call(target, 'POST', '/repositories', { json: { name, storage_namespace: `local://${name}` } })
  const deadline = performance.now() + seconds * 1000
  let staged = 0
  let committed = 0
  const writer = async (caller: number) => {
    for (let n = 0; performance.now() < deadline; n++) {
      const entry = { physical_address: `local://${name}/data/p/${caller}-${n}`, checksum: 'c', size_bytes: n }
      const status = await send(target, 'PUT', `${R}/branches/main/objects?path=${caller}/${n}`, entry)
      if (status !== 201) throw new Error(`staging answered ${status}`)
      staged += 1
    }
  }
  const committer = async () => {
    while (commits && performance.now() < deadline) {
      const status = await send(target, 'POST', `${R}/branches/main/commits`, { message: 'rotate' })
      if (status === 201) committed += 1
    }
  }
  await Promise.all([committer(), ...Array.from({ length: CALLERS }, (_, caller) => writer(caller))])
  let there = 0
  for (let after = '', more = true; more; ) {
    const { json } = await call(
      target,
      'GET',
      `${R}/refs/main/objects/ls?amount=1000&after=${encodeURIComponent(after)}`,
    )
    there += json.results.length
    more = json.pagination.has_more
    after = json.pagination.next_offset
  }
  const rate = `${Math.round(staged / seconds)} entries/s`
  return `${rate}, ${committed} commits, ${there} of ${staged} acknowledged entries there`
}

for (const database of ['postgres', 'embedded'] as const) {
  const server = await startServer({
    runtime: 'bun',
    ...(database === 'postgres' ? { databaseUrl: await createDatabase() } : {}),
  })
  console.log(`${database}, alone:             ${await measure(server, false)}`)
  console.log(`${database}, commits in a loop: ${await measure(server, true)}`)
  await server.stop()
}
await stopPostgres()
process.exit(0)
