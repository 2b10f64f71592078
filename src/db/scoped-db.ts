/**
 * A `Db` without a connection of its own: each use goes to the one that is current. For Workers, where what is built once per isolate
 * outlives the connections, which belong to one request each.
 */
import type { Db, HotStatement, Param, Queries } from './db.ts'

/**
 * @param current the connection of whoever is asking; throws outside of any request
 * @returns a database that may be kept for ever, but used only where `current` answers; closing it closes the current one
 */
export function createScopedDb(current: () => Db): Db {
  return {
    kind: 'postgres',
    get orm() {
      return current().orm
    },
    run: <Row extends object>(statement: HotStatement, params: readonly Param[]) =>
      current().run<Row>(statement, params),
    transaction: <Result>(work: (tx: Queries) => Promise<Result>) => current().transaction(work),
    close: () => current().close(),
  }
}
