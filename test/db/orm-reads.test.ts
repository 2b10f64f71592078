import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { createDb, type Driver } from '../../src/db/create-db.ts'
import { installation, users } from '../../src/db/schema.ts'

/** A driver whose connections are lost behind each statement, which it keeps. */
function losing(): { driver: Driver; sent: string[] } {
  const sent: string[] = []
  const driver: Driver = {
    kind: 'postgres',
    prepare: false,
    send(text) {
      sent.push(text)
      return Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNRESET' }))
    },
    transaction: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  }
  return { driver, sent }
}

test('a read through Drizzle is sent once more when its connection is lost, and its outcome is never unknown', async () => {
  const { driver, sent } = losing()
  const { orm } = createDb(driver)
  await expect(orm.select().from(users)).rejects.toMatchObject({ code: 'database_unavailable' })
  expect(sent).toHaveLength(2)
})

test('what locks or changes is sent once', async () => {
  const { driver, sent } = losing()
  const { orm } = createDb(driver)
  const unknown = { code: 'outcome_unknown' }
  await expect(orm.select().from(users).for('update')).rejects.toMatchObject(unknown)
  await expect(orm.select().from(users).for('no key update')).rejects.toMatchObject(unknown)
  await expect(orm.delete(users).where(eq(users.id, 'a'))).rejects.toMatchObject(unknown)
  await expect(orm.update(installation).set({ authVersion: 1 })).rejects.toMatchObject(unknown)
  expect(sent).toHaveLength(4)
})
