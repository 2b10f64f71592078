/** Bun's Postgres client exists on Bun only: there the contract that all clients meet is run once more. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const bin = join(import.meta.dirname, '../../node_modules/.bin')

test('Bun’s client meets the contract of all clients', { timeout: 240_000 }, () => {
  const contract = join(import.meta.dirname, 'db-contract.test.ts')
  const run = spawnSync(join(bin, 'bun'), ['--bun', join(bin, 'vitest'), 'run', contract, '--reporter=json'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const report = JSON.parse(run.stdout.slice(run.stdout.indexOf('{"numTotal'))) as {
    testResults: { assertionResults: { fullName: string; status: string }[] }[]
  }
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  expect(results.filter(({ status }) => status !== 'passed')).toEqual([])
  expect(results.filter(({ fullName }) => fullName.startsWith('Bun.sql')).length).toBeGreaterThan(8)
})
