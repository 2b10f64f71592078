import type { Cursor } from '../../src/model.ts'

export type Row = readonly [key: Buffer, value: Buffer | null]

/** A cursor over rows that are in order already. With `late`, every other step answers a promise. */
export function rowsCursor(rows: readonly Row[], late = false): Cursor {
  let at = -1
  let steps = 0
  function settle(): boolean | Promise<boolean> {
    const found = at < rows.length
    return late && steps++ % 2 === 0 ? Promise.resolve(found) : found
  }
  function row(): Row {
    const current = rows[at]
    if (current === undefined) throw new Error('the cursor stands on no record')
    return current
  }
  return {
    get key() {
      return row()[0]
    },
    get value() {
      return row()[1]
    },
    next() {
      if (at < rows.length) at++
      return settle()
    },
    seek(key) {
      at = Math.max(at, 0)
      while (at < rows.length && Buffer.compare(row()[0], key) < 0) at++
      return settle()
    },
  }
}

/** All rows from where the cursor stands before. */
export async function drain(cursor: Cursor): Promise<Row[]> {
  const rows: Row[] = []
  while (await cursor.next())
    rows.push([Buffer.from(cursor.key), cursor.value === null ? null : Buffer.from(cursor.value)])
  return rows
}

/** Rows as text, which compares quickly and differs readably. */
export function told(rows: readonly Row[]): string[] {
  return rows.map(([key, value]) => `${key.toString('hex')} ${value === null ? 'gone' : value.toString('base64')}`)
}
