// Opens the PGlite folder given as argument (or, with `lock`, only its lock), says so, and holds it until it is killed or told to close.
import { acquireDataLock } from '../../src/db/data-lock.ts'
import { openPgliteDb } from '../../src/db/pglite-client.ts'

try {
  if (process.argv[3] === 'lock') acquireDataLock(process.argv[2])
  else await openDatabase()
  process.stdout.write('open\n')
} catch (error) {
  process.stdout.write(`${error.code}: ${error.message}\n`)
  process.exit(1)
}
process.stdin.resume()

async function openDatabase() {
  const db = await openPgliteDb(process.argv[2])
  await db.run({ name: '', text: 'CREATE TABLE IF NOT EXISTS held (n int)' }, [])
  await db.run({ name: '', text: 'INSERT INTO held VALUES (1)' }, [])
  process.stdin.once('data', async () => {
    await db.close()
    process.exit(0)
  })
}
