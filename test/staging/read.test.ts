import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteaArray } from '../../src/db/arrays.ts'
import type { Db, HotStatement } from '../../src/db/db.ts'
import { type StagedRow, stagedPageSql } from '../../src/db/staged-rows.ts'
import type { StagingToken } from '../../src/model.ts'
import { type StagedCursorOptions, stagedCursor } from '../../src/staging/read.ts'
import { describeOnDatabases } from '../support/databases.ts'

const seed = Date.now() % 2 ** 31
console.log(`test/staging/read.test.ts: seed ${seed}`)

const insert: HotStatement = {
  name: 'read_test_insert',
  text: 'INSERT INTO staged (token, path, rec) SELECT $1::uuid, u.path, u.rec FROM unnest($2::text::bytea[], $3::text::bytea[]) u(path, rec)',
}

type Rows = Map<string, Buffer | null>

/** Keys of the maps are hex, which sorts as the bytes do. */
async function stageTokens(db: Db, tokens: readonly Rows[]): Promise<StagingToken[]> {
  const ids: StagingToken[] = []
  for (const rows of tokens) {
    const token = randomUUID() as StagingToken
    ids.push(token)
    const paths = [...rows.keys()].map((hex) => Buffer.from(hex, 'hex'))
    if (paths.length > 0) await db.run(insert, [token, byteaArray(paths), byteaArray([...rows.values()])])
  }
  return ids
}

function merge(tokens: readonly Rows[]): [path: string, rec: string | null][] {
  const merged: Rows = new Map()
  for (const rows of [...tokens].reverse()) for (const [path, rec] of rows) merged.set(path, rec)
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, rec]) => [path, rec?.toString('hex') ?? null])
}

/** Few letters, so that paths meet; `/` often; bytes that are no UTF-8 too. */
const path = fc
  .array(fc.constantFrom(0x00, 0x2f, 0x2f, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 6 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const token = fc
  .array(
    fc.tuple(
      path,
      fc.option(
        fc.integer({ min: 0, max: 9 }).map((n) => Buffer.from([n])),
        { nil: null },
      ),
    ),
    { maxLength: 40 },
  )
  .map((pairs) => new Map(pairs))
/** `group`: behind the group of the current row. `ahead`: to the n-th row from here, or just beside it; sometimes anywhere. */
const moves = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant({ kind: 'next' as const }) },
    { weight: 5, arbitrary: fc.constant({ kind: 'group' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('ahead' as const),
        rows: fc.integer({ min: 1, max: 4 }),
        suffix: fc.constantFrom('', '00', '61'),
      }),
    },
    { weight: 1, arbitrary: path.map((target) => ({ kind: 'seek' as const, target })) },
  ),
  { maxLength: 40 },
)
type Move =
  | { kind: 'next' }
  | { kind: 'group' }
  | { kind: 'ahead'; rows: number; suffix: string }
  | { kind: 'seek'; target: string }

/** Where `step` seeks to from row `at`, in hex; null: the next row. */
function targetOf(
  step: Move,
  at: number,
  expected: readonly (readonly [string, string | null])[],
  prefixBytes: number,
): string | null {
  const current = expected[at]?.[0]
  if (step.kind === 'seek') return step.target
  if (step.kind === 'ahead') {
    const ahead = expected[at + step.rows]?.[0]
    return ahead === undefined ? null : ahead + step.suffix
  }
  if (step.kind === 'next' || current === undefined) return null
  const slash = Buffer.from(current, 'hex').indexOf('/', prefixBytes)
  // What a listing by `/` does after a common prefix.
  return slash < 0 ? null : `${current.slice(0, slash * 2)}30`
}

/** Runs `moves` on a cursor and on the merged rows, and compares after each. */
async function drive(
  db: Db,
  tokens: readonly StagingToken[],
  expected: readonly (readonly [string, string | null])[],
  options: StagedCursorOptions,
  steps: readonly Move[],
) {
  const cursor = stagedCursor(db, tokens, options)
  let at = -1
  for (const step of steps) {
    if (at >= expected.length) break
    const target = targetOf(step, at, expected, options.groups?.prefixBytes ?? 0)
    if (target === null) {
      at++
      expect(await cursor.next()).toBe(at < expected.length)
    } else {
      while (at < 0 || (at < expected.length && (expected[at]?.[0] ?? '') < target)) at++
      expect(await cursor.seek(Buffer.from(target, 'hex'))).toBe(at < expected.length)
    }
    if (at < expected.length)
      expect([cursor.key.toString('hex'), cursor.value?.toString('hex') ?? null]).toEqual(expected[at])
  }
}

describeOnDatabases('staged cursor', (db) => {
  test('is the newest row of each path, in byte order, however it is moved', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(token, { maxLength: 3 }),
        fc.option(path),
        fc.option(path),
        moves,
        fc.nat(3),
        async (tokens, start, end, steps, prefixBytes) => {
          const ids = await stageTokens(db(), tokens)
          const expected = merge(tokens).filter(
            ([key]) => (start === null || key >= start) && (end === null || key < end),
          )
          const options: StagedCursorOptions = {
            ...(start === null ? {} : { start: Buffer.from(start, 'hex') }),
            ...(end === null ? {} : { end: Buffer.from(end, 'hex') }),
          }
          const groups = { prefixBytes, delimiter: Buffer.from('/') }
          await drive(db(), ids, expected, options, Array(expected.length + 1).fill({ kind: 'next' }))
          await drive(db(), ids, expected, options, steps)
          await drive(db(), ids, expected, { ...options, groups }, steps)
          // Page bounds of one and two rows: every fetch boundary is crossed.
          for (const limit of [1, 2]) {
            const firstPage = { rows: await fetchPage(db(), ids, start, end, limit), limit }
            await drive(db(), ids, expected, { ...options, groups, firstPage }, steps)
          }
        },
      ),
      { seed, numRuns: 400 },
    )
  })

  test('a thousand groups of many rows cost a few statements, also under two tokens', async () => {
    const rows: Rows = new Map()
    for (let group = 0; group < 1000; group++) {
      for (let n = 0; n < 30; n++)
        rows.set(Buffer.from(`dir/${String(group).padStart(4, '0')}/${n}`).toString('hex'), Buffer.from('x'))
    }
    const newer: Rows = new Map([[Buffer.from('dir/0500/0').toString('hex'), null]])
    const ids = await stageTokens(db(), [newer, rows])
    const counted = counting(db())
    const cursor = stagedCursor(counted.db, ids, {
      start: Buffer.from('dir/'),
      end: Buffer.from('dir0'),
      groups: { prefixBytes: 4, delimiter: Buffer.from('/') },
    })
    const groups: string[] = []
    let found = await cursor.next()
    while (found) {
      while (found && cursor.value === null) found = await cursor.next()
      const key = cursor.key.toString()
      groups.push(key.slice(4, 8))
      found = await cursor.seek(Buffer.from(`${key.slice(0, 8)}0`))
    }
    expect(groups).toHaveLength(1000)
    expect(new Set(groups).size).toBe(1000)
    expect(counted.statements()).toBeLessThan(12)
  })

  test('a long run of one token comes in few, growing pages and answers without promises in between', async () => {
    const rows: Rows = new Map()
    for (let n = 0; n < 6000; n++) rows.set(Buffer.from(String(n).padStart(5, '0')).toString('hex'), Buffer.from([1]))
    const ids = await stageTokens(db(), [rows])
    const counted = counting(db())
    const cursor = stagedCursor(counted.db, ids)
    let promises = 0
    let count = 0
    for (;;) {
      const moved = cursor.next()
      if (moved instanceof Promise) promises++
      if (!(await moved)) break
      count++
    }
    expect(count).toBe(6000)
    expect(promises).toBe(counted.statements())
    expect(promises).toBeLessThan(7)
  })
})

function fetchPage(
  db: Db,
  ids: readonly StagingToken[],
  start: string | null,
  end: string | null,
  limit: number,
): Promise<StagedRow[]> {
  const params = [
    `{${ids.join(',')}}`,
    Buffer.from(start ?? '', 'hex'),
    end === null ? null : Buffer.from(end, 'hex'),
    limit,
  ]
  const text = `SELECT t.place::int4, page.path, page.rec FROM ${stagedPageSql('$1::text::uuid[]', '$2', '$3', '$4')}`
  return db.run<StagedRow>({ name: 'read_test_page', text }, params)
}

function counting(db: Db): { db: Db; statements(): number } {
  let count = 0
  const run: Db['run'] = (statement, params) => {
    count++
    return db.run(statement, params)
  }
  return { db: { ...db, run }, statements: () => count }
}
