/**
 * One process per data folder: PGlite has no lock of its own, and two processes on one folder lose each other's rows in silence.
 *
 * The holder is the highest-numbered `interlaken.lock.<n>` whose content is not `released`. A start links a complete file under the
 * next number, which only one of several can do, and looks again; numbers never go back, so nobody can take away a lock that was
 * taken meanwhile.
 */
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DomainError } from '../errors.ts'

const filePattern = /^interlaken\.lock\.(\d+)$/

interface Holder {
  readonly pid: number
  readonly host: string
  /** When the process started, in the system's own clock ticks: tells a holder from a later process with its pid. Null if unknown. */
  readonly started: string | null
}

/** Takes the folder for this process until `release`. @throws database_locked naming the holder */
export function acquireDataLock(folder: string): { release(): void } {
  const self: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) }
  const draft = join(folder, `.lock.${process.pid}.${Math.random().toString(36).slice(2)}`)
  writeFileSync(draft, JSON.stringify(self), { flag: 'wx' })
  try {
    for (;;) {
      const highest = numbersIn(folder).at(-1) ?? 0
      refuseIfHeld(folder, highest)
      const mine = highest + 1
      if (!tryLink(draft, pathOf(folder, mine))) continue
      const after = numbersIn(folder)
      if (after.at(-1) !== mine) {
        // Others came and went between the two looks, and numbered past us.
        rmSync(pathOf(folder, mine), { force: true })
        continue
      }
      for (const number of after) if (number < mine) rmSync(pathOf(folder, number), { force: true })
      return { release: () => markReleased(folder, mine) }
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

function refuseIfHeld(folder: string, number: number): void {
  if (number === 0) return
  const path = pathOf(folder, number)
  const holder = readHolder(path)
  if (holder === null) return
  if (holder.host !== hostname()) {
    throw new DomainError(
      'database_locked',
      `cannot open "${folder}": in use by process ${holder.pid} on host "${holder.host}" (remove ${path} if that host is gone)`,
    )
  }
  if (isAlive(holder)) {
    throw new DomainError(
      'database_locked',
      `cannot open "${folder}": in use by process ${holder.pid} (${path}); stop it first: kill ${holder.pid}`,
    )
  }
}

/** Null when nobody holds it: released, or removed meanwhile. */
function readHolder(path: string): Holder | null {
  try {
    const content = readFileSync(path, 'utf8')
    return content === 'released' ? null : (JSON.parse(content) as Holder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw new DomainError(
      'database_locked',
      `cannot read the lock file "${path}": remove it if no server uses the folder`,
      {
        cause: error,
      },
    )
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false
  }
  return holder.started === startOf(holder.pid)
}

/** Zombie, dead: killed, and only not fetched yet by its parent. */
const OVER = /^[ZX]$/

/**
 * Field 22 of /proc/<pid>/stat; null where there is no /proc, and of a process that is over. The command in field 2 may contain
 * anything, so count from its end.
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return OVER.test(state) ? null : (fields[18] ?? null)
  } catch {
    return null
  }
}

function markReleased(folder: string, number: number): void {
  const note = join(folder, `.lock.${process.pid}.released`)
  writeFileSync(note, 'released')
  renameSync(note, pathOf(folder, number))
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function numbersIn(folder: string): number[] {
  const numbers = readdirSync(folder).flatMap((file) => filePattern.exec(file)?.[1] ?? [])
  return numbers.map(Number).sort((left, right) => left - right)
}

function pathOf(folder: string, number: number): string {
  return join(folder, `interlaken.lock.${number}`)
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
