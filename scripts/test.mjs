// The README's test command: everything that needs no privileges and nothing beyond npm packages.
// Steps run one after the other; the last line is "N passed, N failed", where each check counts as one and each test as one.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureInstalled } from './install.mjs'

ensureInstalled()

const bunOnly = process.versions.bun !== undefined
const reports = mkdtempSync(join(tmpdir(), 'interlaken-test-'))
let passed = 0
let failed = 0

/** Runs a package's command with the runtime we are in. */
function run(command, args) {
  const line = bunOnly
    ? [process.execPath, ['x', '--bun', command, ...args]]
    : [join('node_modules', '.bin', command), args]
  return spawnSync(line[0], line[1], { stdio: 'inherit' }).status === 0
}

function check(title, command, args) {
  process.stdout.write(`\n== ${title}\n`)
  if (run(command, args)) passed += 1
  else {
    failed += 1
    process.stdout.write(`FAILED: ${title}\n`)
  }
}

function suite(title, args) {
  process.stdout.write(`\n== ${title}\n`)
  const file = join(reports, `${title.replaceAll(/\W+/g, '-')}.json`)
  const ok = run('vitest', ['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`])
  let report
  try {
    report = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    failed += 1
    process.stdout.write(`FAILED: ${title} left no report\n`)
    return
  }
  passed += report.numPassedTests
  failed += report.numFailedTests
  if (!ok && report.numFailedTests === 0) failed += 1
}

check('format and lint', 'biome', ['check', '.'])
check('types', 'tsc', ['--noEmit'])
check('import arrows and cycles', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'src', 'adapters'])
check('unused files and exports', 'knip', [])
suite('tests', process.argv.slice(2))
if (bunOnly)
  process.stdout.write(
    '\nOnly Bun is here: the legs that run the server on Node were not run (install Node >= 20 to run them).\n',
  )

rmSync(reports, { recursive: true, force: true })
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
