/** A disk without space refuses clearly, keeps no pieces, and is usable again when there is space. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import {
  createRepository,
  expectAbsent,
  expectRefusal,
  expectUsable,
  filesUnder,
  type TestRepository,
  upload,
} from './support.ts'

const MIB = 1024 ** 2
const disk = mkdtempSync(join(tmpdir(), 'interlaken-full-'))
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status === 0

afterAll(() => {
  if (isMounted) spawnSync('umount', ['-l', disk])
  rmSync(disk, { recursive: true, force: true })
})

describe.skipIf(!isMounted).each(['bun', 'node'] as const)(
  'a disk of 4 MiB (runs where the user may mount a tmpfs) of a server on %s',
  (runtime) => {
    let server: RunningServer
    let repository: TestRepository

    beforeAll(async () => {
      server = await startServer({
        runtime,
        databaseUrl: await createDatabase(),
        stores: [{ id: 'tiny', type: 'local', local: { path: join(disk, runtime) } }],
      })
      repository = await createRepository(server, 'tiny', 'local://full')
    })
    afterAll(async () => {
      await server.stop()
      await stopPostgres()
    })

    it.each([
      ['small', 100_000],
      ['whole in memory', MIB],
      ['streamed', 2 * MIB],
    ])('refuses a body that is %s, and takes it when there is space', async (_, sizeBytes) => {
      const before = filesUnder(disk)
      const filler = join(disk, 'filler')
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096'])
      const body = randomBytes(sizeBytes)
      const answer = await upload(server, repository, 'full', body)
      writeFileSync(filler, '')
      rmSync(filler)
      expectRefusal(answer, 507, /no space left on the disk/)
      expect(filesUnder(disk)).toEqual(before)
      await expectAbsent(server, repository, 'full')
      await expectUsable(server, repository)
    })
  },
)
