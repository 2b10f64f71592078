import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operations } from '../../src/api/operations.gen.ts'

test('the operation table is what the committed contract generates', () => {
  const printed = execFileSync('node', ['scripts/generate-operations.mjs', '--print'], { encoding: 'utf8' })
  expect(readFileSync('src/api/operations.gen.ts', 'utf8')).toBe(printed)
})

test('the contract has 134 operations, nine of them open', () => {
  const all = Object.values(operations)
  expect(all).toHaveLength(134)
  expect(all.filter(({ security }) => security === 'none')).toHaveLength(9)
})
