// The main job as a user runs it: `npm start` with storages, then the published Python client on real data. Once with two local
// storages and a MinIO, once with the MinIO alone, since clients choose their ways by what every storage can do.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMinio } from './minio.mjs'
import { runPython } from './python.mjs'
import { root, startServer } from './server.mjs'

const folder = mkdtempSync(join(tmpdir(), 'interlaken-main-job-'))
const minio = await startMinio()
const credentials = { access_key_id: minio.accessKeyId, secret_access_key: minio.secretAccessKey }
const boto3 = {
  endpoint_url: minio.endpoint,
  aws_access_key_id: minio.accessKeyId,
  aws_secret_access_key: minio.secretAccessKey,
  region_name: 'us-east-1',
}
const local = (id) => ({
  store: { id, type: 'local', backward_compatible: id === 'north', local: { path: join(folder, id) } },
  job: { id, namespace: `local://job-${id}` },
})
const bucket = (id) => ({
  store: { id, type: 's3', s3: { endpoint: minio.endpoint, force_path_style: true, credentials } },
  job: { id, namespace: `s3://${minio.bucket}/job-${id}`, boto3 },
})

let passed = 0
let failed = 0
try {
  await runJob('mixed', [local('north'), local('south'), bucket('cloud')], { sourceFiles: 2500, leastFiles: 2000 })
  await runJob('cloud-only', [bucket('alone')], { sourceFiles: 200, leastFiles: 500 })
} finally {
  await minio.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

async function runJob(title, storages, { sourceFiles, leastFiles }) {
  process.stdout.write(`\n${title}\n`)
  const server = await startServer({ data: join(folder, title), storages: storages.map(({ store }) => store) })
  try {
    const counts = await runPython('main_job.py', 'INTERLAKEN_MAIN_JOB', {
      host: server.host,
      access_key_id: server.accessKeyId,
      secret_access_key: server.secretAccessKey,
      source_tree: join(root, 'node_modules'),
      source_files: sourceFiles,
      least_files: leastFiles,
      storages: storages.map(({ job }) => job),
    })
    passed += counts.passed
    failed += counts.failed
  } finally {
    await server.stop()
  }
}
