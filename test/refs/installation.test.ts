import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Db, HotStatement, Param } from '../../src/db/db.ts'
import { readInstallation } from '../../src/refs/installation.ts'
import { describeOnDatabases } from '../support/databases.ts'

/** Counts the statements that are not declared to change nothing. */
function watched(db: Db): { db: Db; writes: () => number } {
  let writes = 0
  const run = <Row extends object>(statement: HotStatement, params: readonly Param[]) => {
    if (statement.readOnly !== true) writes++
    return db.run<Row>(statement, params)
  }
  return { db: { ...db, run }, writes: () => writes }
}

describeOnDatabases('the installation', (db) => {
  test('keeps its id, takes on the one that is fixed, and writes only for that', async () => {
    const made = await readInstallation(db(), null)
    expect(made.id).toMatch(/^[0-9a-f-]{36}$/)
    const fixed = randomUUID()
    const looks = watched(db())
    expect(await readInstallation(looks.db, null)).toEqual(made)
    expect(await readInstallation(looks.db, made.id.toUpperCase())).toEqual(made)
    expect(looks.writes()).toBe(0)
    expect(await readInstallation(looks.db, fixed)).toEqual({ id: fixed })
    expect(looks.writes()).toBe(1)
    expect(await readInstallation(looks.db, fixed)).toEqual({ id: fixed })
    expect(await readInstallation(looks.db, null)).toEqual({ id: fixed })
    expect(looks.writes()).toBe(1)
  })
})
