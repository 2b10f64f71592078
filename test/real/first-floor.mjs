// Every basic operation with the published Python packages, on every storage: on Bun with Postgres, on Node with the embedded
// database, and on a server with the MinIO alone, where the client presigns unasked (it goes by what every storage can do).
// Left out: Branch.transact, which merges, and comes with merging.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMinio } from './minio.mjs'
import { startPostgres } from './postgres.mjs'
import { runPython } from './python.mjs'
import { startServer } from './server.mjs'

const folder = mkdtempSync(join(tmpdir(), 'interlaken-first-floor-'))
const minio = await startMinio()
const credentials = { access_key_id: minio.accessKeyId, secret_access_key: minio.secretAccessKey }
let passed = 0
let failed = 0

/** The storages of a server called `title`, each with what the cases know about it. */
function storagesOf(title) {
  const local = (id) => {
    const path = join(folder, title, id)
    return {
      store: { id, type: 'local', backward_compatible: id === 'north', local: { path } },
      place: { id, type: 'local', namespace: `local://${title}`, addresses: `local://${path}/`, presigns: false },
    }
  }
  const inBucket = (id, type, uri) => ({
    id,
    type,
    namespace: `${uri}/${title}`,
    addresses: `${uri}/`,
    presigns: type === 's3',
  })
  return {
    north: local('north'),
    south: local('south'),
    cloud: {
      store: { id: 'cloud', type: 's3', s3: { endpoint: minio.endpoint, force_path_style: true, credentials } },
      place: inBucket('cloud', 's3', `s3://${minio.bucket}`),
    },
    memory: {
      store: { id: 'memory', type: 'mem' },
      place: inBucket('memory', 'mem', 'mem://bucket'),
    },
  }
}

async function run(title, storages, env) {
  process.stdout.write(`\n${title}\n`)
  try {
    const data = join(folder, title, 'data')
    const server = await startServer({ data, storages: storages.map(({ store }) => store), env })
    try {
      const unasked = storages.every(({ place }) => place.presigns)
      const counts = await runPython('first_floor.py', 'INTERLAKEN_FIRST_FLOOR', {
        host: server.host,
        access_key_id: server.accessKeyId,
        secret_access_key: server.secretAccessKey,
        storages: storages.map(({ place }) => ({ ...place, presigns_unasked: unasked })),
      })
      passed += counts.passed
      failed += counts.failed
    } finally {
      await server.stop()
    }
  } catch (error) {
    failed += 1
    process.stdout.write(`FAILED: ${title}: ${error.message}\n`)
  }
}

let postgres = null
try {
  postgres = await startPostgres()
  await run('bun-postgres', Object.values(storagesOf('bun-postgres')), { DATABASE_URL: postgres.url })
  await run('node-embedded', Object.values(storagesOf('node-embedded')), { INTERLAKEN_RUNTIME: 'node' })
  await run('cloud-alone', [storagesOf('cloud-alone').cloud], {})
} finally {
  await postgres?.stop()
  await minio.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
