// What needs more than npm packages: real MinIO, the published Python clients. Installs what is missing into a cache folder outside
// the checkout and uses it again. Nothing is skipped: what could not run is named and counted as failed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ensureInstalled } from './install.mjs'

ensureInstalled()

const cache = process.env.INTERLAKEN_TEST_CACHE ?? join(homedir(), '.cache', 'interlaken')
const minio = join(cache, 'bin', 'minio')
const python = join(cache, 'venv', 'bin', 'python')
const PYTHON_PACKAGES = ['lakefs', 'lakefs-sdk', 'pyarrow', 'scikit-learn', 'matplotlib', 'boto3']
let passed = 0
let failed = 0

function fail(title, why) {
  failed += 1
  process.stdout.write(`FAILED: ${title}: ${why}\n`)
}

/** Runs a command to make `file`; true when it is there afterwards. */
function provide(title, file, command, args, env = {}) {
  if (existsSync(file)) return true
  process.stdout.write(`\n== installing ${title}\n`)
  mkdirSync(cache, { recursive: true })
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (status === 0 && existsSync(file)) return true
  fail(title, error === undefined ? `'${command} ${args.join(' ')}' ended with ${status}` : error.message)
  return false
}

/** Runs a leg that ends with "N passed, N failed" and adds its counts. */
function leg(title, command, args) {
  process.stdout.write(`\n== ${title}\n`)
  const run = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, INTERLAKEN_TEST_MINIO: minio, INTERLAKEN_TEST_PYTHON: python },
  })
  process.stdout.write(run.stdout)
  const counts = [...run.stdout.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1)
  if (counts === undefined) return fail(title, `ended with ${run.status} and without its closing line`)
  passed += Number(counts[1])
  failed += Number(counts[2])
  if (run.status !== 0 && counts[2] === '0') fail(title, `ended with ${run.status}`)
}

const haveMinio = provide('MinIO (go install)', minio, 'go', ['install', 'github.com/minio/minio@latest'], {
  GOBIN: join(cache, 'bin'),
  CGO_ENABLED: '0',
})
const haveVenv = provide('a Python environment', python, 'python3', ['-m', 'venv', join(cache, 'venv')])
const ready = join(cache, 'venv', 'bin', 'f2py') // numpy's script: there once the packages are
const havePython =
  haveVenv && provide('the Python clients', ready, python, ['-m', 'pip', 'install', '-q', ...PYTHON_PACKAGES])

const node = process.execPath
if (haveMinio) leg('the S3 adapter on MinIO', node, ['test/real/s3-minio.mjs'])
else fail('the S3 adapter on MinIO', 'needs MinIO')
if (haveMinio && havePython)
  leg('the main job with the Python client on three storages', node, ['test/real/main-job.mjs'])
else fail('the main job with the Python client', 'needs MinIO and the Python clients')
if (haveMinio && havePython)
  leg('every basic operation with the Python client on each storage', node, ['test/real/first-floor.mjs'])
else fail('every basic operation with the Python client', 'needs MinIO and the Python clients')

process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
