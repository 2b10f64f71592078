/** Uploads whose client does not keep its word leave no entry, no bytes on the disk, and a usable branch. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { S3_TEST_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { framings, openUpload } from './raw-upload.ts'
import { createRepository, expectAbsent, expectUsable, filesUnder, type TestRepository, until } from './support.ts'

const MIB = 1024 ** 2

describe.each(['bun', 'node'] as const)('clients of a server on %s', (runtime) => {
  let server: RunningServer
  let s3: S3Server
  let folder: string
  const repositories = new Map<string, TestRepository>()
  const repositoryOn = (storage: string) => {
    const repository = repositories.get(storage)
    if (repository === undefined) throw new Error(`no repository on ${storage}`)
    return repository
  }

  beforeAll(async () => {
    s3 = await startS3Server()
    folder = mkdtempSync(join(tmpdir(), 'interlaken-clients-'))
    const credentials = { access_key_id: S3_TEST_KEYS.accessKeyId, secret_access_key: S3_TEST_KEYS.secretAccessKey }
    server = await startServer({
      runtime,
      databaseUrl: await createDatabase(),
      stores: [
        { id: 'disk', type: 'local', local: { path: join(folder, 'disk') } },
        { id: 'bucket', type: 's3', s3: { endpoint: s3.endpoint, force_path_style: true, credentials } },
      ],
    })
    repositories.set('disk', await createRepository(server, 'disk', 'local://clients'))
    repositories.set('bucket', await createRepository(server, 'bucket', 's3://clients'))
  })
  afterAll(async () => {
    await server.stop()
    await s3.close()
    rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  /** Object bytes that the storages hold; parts of unfinished uploads count. */
  const stored = () => [
    ...filesUnder(join(folder, 'disk')),
    ...[...s3.objects.keys()].filter((key) => key.includes('/data/')),
    ...s3.uploads.keys(),
  ]
  const isQuiet = (before: readonly string[]) => () => JSON.stringify(stored()) === JSON.stringify(before)

  describe.each(['disk', 'bucket'])('on the storage %s', (storage) => {
    it.each(framings)('vanish in the middle of a large body (%s)', async (framing) => {
      const repository = repositoryOn(storage)
      const before = stored()
      const requests = s3.seen.length
      const upload = await openUpload(server, repository.objects(`large ${framing}`), framing, 30 * MIB)
      for (let sent = 0; sent < 18; sent++) await upload.send(randomBytes(MIB))
      await until('bytes that reach the storage', () =>
        storage === 'disk' ? !isQuiet(before)() : s3.seen.slice(requests).some(({ method }) => method === 'PUT'),
      )
      upload.vanish()
      await upload.answer
      await until('a storage without left-overs', isQuiet(before))
      await expectAbsent(server, repository, `large ${framing}`)
      await expectUsable(server, repository)
    })

    it.each(framings)('vanish in the middle of a small body (%s)', async (framing) => {
      const repository = repositoryOn(storage)
      const before = stored()
      const upload = await openUpload(server, repository.objects(`small ${framing}`), framing, 1000)
      await upload.send(randomBytes(500))
      upload.vanish()
      await upload.answer
      await expectUsable(server, repository)
      await expectAbsent(server, repository, `small ${framing}`)
      const left = stored().filter((name) => !before.includes(name))
      // What `expectUsable` wrote.
      expect(left).toHaveLength(1)
    })

    it.each([
      ['raw, known length', 1000, 500],
      ['raw, known length', 3 * MIB, 2 * MIB],
      ['raw, chunked', 1000, 500],
      ['raw, chunked', 3 * MIB, 2 * MIB],
    ] as const)('hang up before the end (%s, %i bytes)', async (framing, promised, sent) => {
      const repository = repositoryOn(storage)
      const before = stored()
      const upload = await openUpload(server, repository.objects('short'), framing, promised)
      await upload.send(randomBytes(sent))
      upload.hangUp()
      const answer = await upload.answer
      // A runtime may give the connection up without a word; if it answers, this is what it says.
      if (answer !== null) expect(answer.status, answer.body).toBe(400)
      await until('a storage without left-overs', isQuiet(before))
      await expectAbsent(server, repository, 'short')
      await expectUsable(server, repository)
    })

    it.each([
      ['small', 1000],
      ['large', 2 * MIB],
    ])('leave out the last boundary of a %s form', async (_, sizeBytes) => {
      const repository = repositoryOn(storage)
      const before = stored()
      const boundary = 'x'
      const body = Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="content"\r\n\r\n`),
        randomBytes(sizeBytes),
      ])
      const answer = await fetch(`${server.baseUrl}/api/v1${repository.objects('open-form')}`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${server.accessKeyId}:${server.secretAccessKey}`).toString('base64')}`,
          'content-type': `multipart/form-data; boundary=${boundary}`,
        },
        body,
      })
      const { message } = (await answer.json()) as { message: string }
      expect([answer.status, message]).toEqual([400, expect.stringMatching(/boundary|ended|end/)])
      await until('a storage without left-overs', isQuiet(before))
      await expectAbsent(server, repository, 'open-form')
      await expectUsable(server, repository)
    })
  })
})
