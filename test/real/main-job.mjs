// The main job as a user runs it: `npm start` with storages, then the published Python client on real data. Once with two local
// storages and a MinIO, once with the MinIO alone, since clients choose their ways by what every storage can do.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMinio } from './minio.mjs'

const START_TIMEOUT_MS = 120_000

const root = join(import.meta.dirname, '..', '..')
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
  const server = await startServer(title, storages)
  try {
    const settings = {
      host: server.host,
      access_key_id: server.accessKeyId,
      secret_access_key: server.secretAccessKey,
      source_tree: join(root, 'node_modules'),
      source_files: sourceFiles,
      least_files: leastFiles,
      storages: storages.map(({ job }) => job),
    }
    const python = process.env.INTERLAKEN_TEST_PYTHON ?? 'python3'
    const job = spawn(python, [join(import.meta.dirname, 'python', 'main_job.py')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PYTHONUNBUFFERED: '1', INTERLAKEN_MAIN_JOB: JSON.stringify(settings) },
    })
    let output = ''
    job.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      process.stdout.write(text)
    })
    const code = await new Promise((resolve) => job.once('close', resolve))
    const counts = /^(\d+) passed, (\d+) failed$/m.exec(output)
    passed += Number(counts?.[1] ?? 0)
    failed += counts === null ? 1 : Number(counts[2])
    if (counts === null) process.stdout.write(`FAILED: the job ended with ${code} before its end\n`)
  } finally {
    await server.stop()
  }
}

/** `npm start`, as a user types it. */
async function startServer(title, storages) {
  const args = ['start', '--silent', '--', '--data', join(folder, title), '--listen', '127.0.0.1:0']
  const child = spawn('npm', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify(storages.map(({ store }) => store)) },
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const shown = await new Promise((resolve, reject) => {
    let output = ''
    const late = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_TIMEOUT_MS)
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      const host = /listening +(\S+)/.exec(output)?.[1]
      const accessKeyId = /access key id +(\S+)/.exec(output)?.[1]
      const secretAccessKey = /secret access key +(\S+)/.exec(output)?.[1]
      if (host === undefined || accessKeyId === undefined || secretAccessKey === undefined) return
      clearTimeout(late)
      resolve({ host, accessKeyId, secretAccessKey })
    })
    void exited.then((code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  })
  const stop = () => {
    child.kill('SIGTERM')
    return exited
  }
  return { ...shown, stop }
}
