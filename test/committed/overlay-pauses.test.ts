import { expect, test } from 'vitest'
import { listPage, type Page } from '../../src/committed/list-page.ts'
import { overlay } from '../../src/committed/overlay.ts'
import type { Cursor } from '../../src/model.ts'
import { type Row, rowsCursor } from '../support/cursors.ts'

const value = Buffer.from('value')
const none = Buffer.alloc(0)
const key = (folder: string, n: number) => Buffer.from(`${folder}/${String(n).padStart(4, '0')}`)
const live = (folder: string): Row[] => Array.from({ length: 5 }, (_, n): Row => [key(folder, n), value])
const hidden = Array.from({ length: 1000 }, (_, n) => key('t', n))
const committed: Row[] = [...live('a'), ...hidden.map((path): Row => [path, value]), ...live('z')]

/** A page over a run of 1,000 tombstones, and how many staged rows it moved over. */
async function page(after: string, amount: number, options: { delimiter?: string } = {}) {
  const staged = rowsCursor(hidden.map((path): Row => [path, null]))
  let moves = 0
  const counted: Cursor = {
    get key() {
      return staged.key
    },
    get value() {
      return staged.value
    },
    next() {
      moves++
      return staged.next()
    },
    seek: (path) => staged.seek(path),
  }
  const found: Page = await listPage({
    prefix: none,
    after: Buffer.from(after),
    delimiter: Buffer.from(options.delimiter ?? ''),
    amount,
    cursor: overlay(counted, rowsCursor(committed), { pauseEvery: 50 }),
  })
  return { found, moves }
}

test('a page with results ends before a long run of tombstones, an empty one goes through it', async () => {
  const first = await page('', 100)
  expect(first.found.results.map((result) => result.key.toString())).toEqual(live('a').map(([path]) => `${path}`))
  expect(first.found.hasMore).toBe(true)
  expect(first.moves).toBeLessThan(60)
  const second = await page(first.found.resume, 100)
  expect(second.found.results.map((result) => result.key.toString())).toEqual(live('z').map(([path]) => `${path}`))
  expect(second.found.hasMore).toBe(false)
  expect(second.moves).toBeGreaterThanOrEqual(1000)
})

test('a full page does not look for the next result behind the run', async () => {
  const { found, moves } = await page('', 5)
  expect(found).toMatchObject({ hasMore: true, resume: 'a/0004' })
  expect(found.results).toHaveLength(5)
  expect(moves).toBeLessThan(60)
})

test('a group whose objects are all deleted is no common prefix, and ends a page all the same', async () => {
  const first = await page('', 100, { delimiter: '/' })
  expect(first.found.results.map((result) => result.key.toString())).toEqual(['a/'])
  expect(first.found.hasMore).toBe(true)
  const second = await page(first.found.resume, 100, { delimiter: '/' })
  expect(second.found.results.map((result) => result.key.toString())).toEqual(['z/'])
  expect(second.found.hasMore).toBe(false)
})
