// Runs the storage contract over a MinIO of its own. Ends with "N passed, N failed".
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMinio } from './minio.mjs'

const folder = mkdtempSync(join(tmpdir(), 'interlaken-s3-'))
const minio = await startMinio()
try {
  const report = join(folder, 'report.json')
  const reporters = ['--reporter', 'default', '--reporter', 'json', '--outputFile', report]
  spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/real/vitest.config.ts', '--root', '.', ...reporters],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        INTERLAKEN_TEST_S3_ENDPOINT: minio.endpoint,
        INTERLAKEN_TEST_S3_KEY: minio.accessKeyId,
        INTERLAKEN_TEST_S3_SECRET: minio.secretAccessKey,
      },
    },
  )
  const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'))
  const failed = numTotalTests - numPassedTests
  process.stdout.write(`\n${numPassedTests} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 && numPassedTests > 0 ? 0 : 1
} finally {
  await minio.stop()
  rmSync(folder, { recursive: true, force: true })
}
