// The main job as a user runs it: `npm start` with two local storages and a MinIO, then the published Python client on real data.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMinio } from './minio.mjs'

const SOURCE_FILES = 2500
const START_TIMEOUT_MS = 120_000

const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'interlaken-main-job-'))
const minio = await startMinio()
const credentials = { access_key_id: minio.accessKeyId, secret_access_key: minio.secretAccessKey }
const stores = [
  { id: 'north', type: 'local', backward_compatible: true, local: { path: join(folder, 'north') } },
  { id: 'south', type: 'local', local: { path: join(folder, 'south') } },
  { id: 'cloud', type: 's3', s3: { endpoint: minio.endpoint, force_path_style: true, credentials } },
]
const server = spawn('npm', ['start', '--silent', '--', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify(stores) },
})
const stopped = new Promise((resolve) => server.once('exit', resolve))
try {
  const shown = await untilShown()
  const boto3 = {
    endpoint_url: minio.endpoint,
    aws_access_key_id: minio.accessKeyId,
    aws_secret_access_key: minio.secretAccessKey,
    region_name: 'us-east-1',
  }
  const settings = {
    host: shown.host,
    access_key_id: shown.accessKeyId,
    secret_access_key: shown.secretAccessKey,
    source_tree: join(root, 'node_modules'),
    source_files: SOURCE_FILES,
    storages: [
      { id: 'north', namespace: 'local://job-north' },
      { id: 'south', namespace: 'local://job-south' },
      { id: 'cloud', namespace: `s3://${minio.bucket}/job-cloud`, boto3 },
    ],
  }
  const job = spawn(
    process.env.INTERLAKEN_TEST_PYTHON ?? 'python3',
    [join(import.meta.dirname, 'python', 'main_job.py')],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, PYTHONUNBUFFERED: '1', INTERLAKEN_MAIN_JOB: JSON.stringify(settings) },
    },
  )
  process.exitCode = await new Promise((resolve) => job.once('exit', (code) => resolve(code ?? 1)))
} finally {
  server.kill('SIGTERM')
  await stopped
  await minio.stop()
  rmSync(folder, { recursive: true, force: true })
}

function untilShown() {
  return new Promise((resolve, reject) => {
    let output = ''
    const late = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_TIMEOUT_MS)
    server.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      const host = /listening +(\S+)/.exec(output)?.[1]
      const accessKeyId = /access key id +(\S+)/.exec(output)?.[1]
      const secretAccessKey = /secret access key +(\S+)/.exec(output)?.[1]
      if (host === undefined || accessKeyId === undefined || secretAccessKey === undefined) return
      clearTimeout(late)
      resolve({ host, accessKeyId, secretAccessKey })
    })
    void stopped.then((code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  })
}
