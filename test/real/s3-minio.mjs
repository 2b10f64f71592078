// Runs the storage contract over a MinIO of its own. `INTERLAKEN_TEST_MINIO` names the binary. Ends with "N passed, N failed".
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const binary = process.env.INTERLAKEN_TEST_MINIO
if (binary === undefined) throw new Error('INTERLAKEN_TEST_MINIO must name the MinIO binary')

const folder = mkdtempSync(join(tmpdir(), 'minio-'))
const port = await freePort()
const endpoint = `http://127.0.0.1:${port}`
const keys = { MINIO_ROOT_USER: 'interlaken', MINIO_ROOT_PASSWORD: randomBytes(12).toString('hex') }
const server = spawn(binary, ['server', '--quiet', '--address', `127.0.0.1:${port}`, join(folder, 'data')], {
  env: { ...process.env, ...keys, MINIO_BROWSER: 'off', CI: 'true' },
  stdio: 'ignore',
})
const gone = new Promise((resolve) => server.on('exit', resolve))
try {
  await ready()
  const report = join(folder, 'report.json')
  spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config',
      'test/real/vitest.config.ts',
      '--root',
      '.',
      '--reporter',
      'default',
      '--reporter',
      'json',
      '--outputFile',
      report,
    ],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        INTERLAKEN_TEST_S3_ENDPOINT: endpoint,
        INTERLAKEN_TEST_S3_KEY: keys.MINIO_ROOT_USER,
        INTERLAKEN_TEST_S3_SECRET: keys.MINIO_ROOT_PASSWORD,
      },
    },
  )
  const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'))
  const failed = numTotalTests - numPassedTests
  process.stdout.write(`\n${numPassedTests} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 && numPassedTests > 0 ? 0 : 1
} finally {
  server.kill()
  await gone
  rmSync(folder, { recursive: true, force: true })
}

async function ready() {
  for (let tries = 0; tries < 100; tries++) {
    const alive = await fetch(`${endpoint}/minio/health/live`).then(
      (response) => response.ok,
      () => false,
    )
    if (alive) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('MinIO did not start within 20 seconds')
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(address.port))
    })
  })
}
