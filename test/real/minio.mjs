// A real MinIO on a free port with one bucket, for as long as a test runs.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AwsClient } from 'aws4fetch'

const START_TIMEOUT_MS = 30_000

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/** Starts the binary that `INTERLAKEN_TEST_MINIO` names. */
export async function startMinio() {
  const binary = process.env.INTERLAKEN_TEST_MINIO
  if (binary === undefined) throw new Error('INTERLAKEN_TEST_MINIO names no MinIO binary; run npm run test:real')
  const folder = mkdtempSync(join(tmpdir(), 'interlaken-minio-'))
  const credentials = { accessKeyId: 'interlaken-test', secretAccessKey: 'interlaken-test-secret' }
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const child = spawn(binary, ['server', '--quiet', '--address', `127.0.0.1:${port}`, folder], {
    stdio: 'ignore',
    env: { ...process.env, MINIO_ROOT_USER: credentials.accessKeyId, MINIO_ROOT_PASSWORD: credentials.secretAccessKey },
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const client = new AwsClient({ ...credentials, service: 's3', region: 'us-east-1', retries: 0 })
  const bucket = 'lake'
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; ) {
    const made = await client.fetch(`${endpoint}/${bucket}`, { method: 'PUT' }).catch(() => null)
    if (made?.ok) break
    if (Date.now() > deadline || child.exitCode !== null) throw new Error('MinIO did not start')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    endpoint,
    bucket,
    ...credentials,
    async stop() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
