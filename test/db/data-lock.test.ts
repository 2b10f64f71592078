import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { acquireDataLock } from '../../src/db/data-lock.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'

let folder: string
const children: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'interlaken-lock-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const locks = () => readdirSync(folder).filter((file) => file.includes('lock'))

/** A process on the folder and the first line that it printed. */
async function startHolder(mode: 'database' | 'lock' = 'database'): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn('node_modules/.bin/bun', ['test/db/hold-folder.mjs', folder, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  if (child.stdout === null) throw new Error('stdout is a pipe')
  const [line] = await once(child.stdout, 'data')
  return { child, said: String(line) }
}

test.runIf(process.platform === 'linux')(
  'a holder that was killed, and whose parent does not ask after it, holds nothing',
  async () => {
    const line = `exec 3<&0; node_modules/.bin/bun test/db/hold-folder.mjs "$0" lock <&3 & echo "pid $!"; exec sleep 600`
    const parent = spawn('sh', ['-c', line, folder], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(parent)
    let said = ''
    for await (const chunk of parent.stdout) {
      said += chunk
      if (said.includes('pid ') && said.includes('open\n')) break
    }
    const pid = /pid (\d+)/.exec(said)?.[1]
    await expect(openPgliteDb(folder)).rejects.toMatchObject({ code: 'database_locked' })
    process.kill(Number(pid), 'SIGKILL')
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(5)
    const db = await openPgliteDb(folder)
    await db.close()
  },
)

test('a second process is refused and told who holds the folder; after kill -9 the next one takes over with all rows', async () => {
  const first = await startHolder()
  expect(first.said).toBe('open\n')
  const second = await startHolder()
  const pid = /process (\d+)/.exec(second.said)?.[1]
  expect(second.said).toContain('database_locked')
  expect(second.said).toContain(folder)
  await expect(openPgliteDb(folder)).rejects.toMatchObject({
    code: 'database_locked',
    message: expect.stringMatching(new RegExp(`process ${pid} .*; stop it first: kill ${pid}$`)),
  })

  process.kill(Number(pid), 'SIGKILL')
  await once(first.child, 'exit')
  const db = await openPgliteDb(folder)
  expect(await db.run({ name: '', text: 'SELECT n FROM held' }, [])).toEqual([{ n: 1 }])
  await expect(openPgliteDb(folder)).rejects.toMatchObject({
    message: expect.stringContaining(`process ${process.pid} `),
  })
  await db.maintain()
  await db.close()
  await expect(db.run({ name: '', text: 'SELECT 1' }, [])).rejects.toMatchObject({ code: 'database_unavailable' })

  const third = await startHolder()
  expect(third.said).toBe('open\n')
  third.child.stdin?.write('close\n')
  await once(third.child, 'exit')
  const again = await openPgliteDb(folder)
  expect(await again.run({ name: '', text: 'SELECT n FROM held' }, [])).toEqual([{ n: 1 }, { n: 1 }])
  await again.close()
})

test('only this user may reach the database’s files, also in a folder that was open to all', async () => {
  const files = join(folder, 'pglite')
  for (const round of [1, 2]) {
    const db = await openPgliteDb(folder)
    await db.close()
    expect(statSync(files).mode & 0o777, `start ${round}`).toBe(0o700)
    chmodSync(files, 0o777)
  }
})

test('of several starts on a dead holder’s folder exactly one wins', async () => {
  for (let round = 0; round < 3; round++) {
    const holders = await Promise.all(Array.from({ length: 5 }, () => startHolder('lock')))
    const open = holders.filter(({ said }) => said === 'open\n')
    expect(open).toHaveLength(1)
    for (const { child } of open) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})

test('one file remains however often the lock was taken', () => {
  for (let round = 1; round <= 3; round++) {
    const lock = acquireDataLock(folder)
    expect(locks()).toEqual([`interlaken.lock.${round}`])
    expect(() => acquireDataLock(folder)).toThrow(`process ${process.pid} `)
    lock.release()
    expect(locks()).toEqual([`interlaken.lock.${round}`])
  }
})

test('a later process with the dead holder’s pid does not keep the folder locked; another host’s holder does', () => {
  const path = join(folder, 'interlaken.lock.4')
  writeFileSync(path, JSON.stringify({ pid: process.pid, host: 'elsewhere', started: '1' }))
  expect(() => acquireDataLock(folder)).toThrow('on host "elsewhere"')
  writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname(), started: '1' }))
  acquireDataLock(folder).release()
  expect(locks()).toEqual(['interlaken.lock.5'])
  rmSync(join(folder, 'interlaken.lock.5'))
  writeFileSync(path, 'not json')
  expect(() => acquireDataLock(folder)).toThrow(path)
})
