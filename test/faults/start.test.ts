/** Starts that cannot be: one clear line on standard error for each fault, an exit code, no stack trace. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningServer, serverCommand, startServer } from '../support/server.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

describe.each(['bun', 'node'] as const)('a start on %s', (runtime) => {
  let folder: string
  let running: RunningServer
  let databaseUrl: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interlaken-start-'))
    databaseUrl = await createDatabase()
    running = await startServer({ runtime })
  })
  afterAll(async () => {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
    await stopPostgres()
  })

  /** Runs the server until it ends of itself. */
  async function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const [command = '', ...first] = await serverCommand(runtime)
    const { DATABASE_URL: _, ...inherited } = process.env
    const child = spawn(command, [...first, ...args], {
      cwd: folder,
      env: { ...inherited, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      // It has started after all.
      if (text.includes('listening')) child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
  }

  function expectClear({ code, stdout, stderr }: Ended, ...lines: readonly RegExp[]): void {
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n'), stderr).toEqual(lines.map((line) => expect.stringMatching(line)))
  }

  const fresh = (name: string) => ['--data', join(folder, name), '--listen', '127.0.0.1:0']
  const write = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }

  it('with a configuration that has faults names them all', async () => {
    const file = write(
      'faults.yaml',
      'database:\n  type: postgres\nblockstore:\n  type: tape\nauth:\n  encrypt:\n    secret_key: x\n',
    )
    expectClear(
      await start(['--config', file]),
      /^interlaken: the configuration has 2 faults:$/,
      /^ {2}database\.postgres\.connection_string: is missing; /,
      /^ {2}blockstore\.type: is "tape"; write one of /,
    )
  })

  it('with a file that is no YAML, that is not there, that is a folder', async () => {
    const one = /^interlaken: the configuration has a fault:$/
    expectClear(
      await start(['--config', write('bad.yaml', 'database: [')]),
      one,
      /bad\.yaml: is not valid YAML at line 1/,
    )
    expectClear(await start(['--config', join(folder, 'none.yaml')]), one, /none\.yaml: cannot be read \(ENOENT\); /)
    expectClear(await start(['--config', folder]), one, /: cannot be read \(EISDIR\); /)
  })

  it.skipIf(process.getuid?.() === 0)(
    'with a file that may not be read (root may read any: runs as another user)',
    async () => {
      const file = write('secret.yaml', '')
      chmodSync(file, 0)
      expectClear(await start(['--config', file]), /has a fault/, /cannot be read \(EACCES\); /)
    },
  )

  it('on a port that is taken', async () => {
    const { host } = new URL(running.baseUrl)
    expectClear(
      await start(['--data', join(folder, 'port'), '--listen', host], { DATABASE_URL: databaseUrl }),
      new RegExp(`^interlaken: cannot listen on ${host}: another program listens there; `),
    )
  })

  it('on a port that is taken, and shows the first key at the start that succeeds', async () => {
    const data = join(folder, 'first-key')
    const { host } = new URL(running.baseUrl)
    expect((await start(['--data', data, '--listen', host])).stdout).not.toContain('secret access key')
    const { stop, accessKeyId } = await startServer({ runtime, dataDirectory: data })
    expect(accessKeyId).toMatch(/^AKIAJ/)
    await stop()
  })

  it('on an address that the machine does not have', async () => {
    expectClear(
      await start(['--data', join(folder, 'port'), '--listen', '192.0.2.1:8000'], { DATABASE_URL: databaseUrl }),
      /^interlaken: cannot listen on 192\.0\.2\.1:8000: this machine has no such address; /,
    )
  })

  it('on a data folder that another server has names its process', async () => {
    expectClear(
      await start(['--data', running.dataDirectory, '--listen', '127.0.0.1:0']),
      new RegExp(`^interlaken: cannot open ".*": in use by process ${running.pid} `),
    )
  })

  it('on a data folder that is a file', async () => {
    const file = write('data', '')
    expectClear(
      await start(['--data', file, '--listen', '127.0.0.1:0']),
      /has a fault/,
      /data\/secrets\.json: cannot be made /,
    )
  })

  it('on an embedded database that is not one', async () => {
    const place = join(folder, 'damaged')
    mkdirSync(join(place, 'database', 'pglite'), { recursive: true })
    writeFileSync(join(place, 'database', 'pglite', 'PG_VERSION'), '3\n')
    expectClear(
      await start(['--data', place, '--listen', '127.0.0.1:0'], {
        INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'a secret of its own',
      }),
      /^interlaken: cannot open ".*damaged\/database": /,
    )
  })

  it('on a Postgres that does not answer, that has no such host, user or database', async () => {
    const withUrl = (url: string) => start(fresh('away'), { DATABASE_URL: url })
    const elsewhere = (change: (url: URL) => void) => {
      const url = new URL(databaseUrl)
      change(url)
      return withUrl(url.href)
    }
    expectClear(
      await withUrl('postgres://someone:secret@127.0.0.1:1/lake'),
      /^interlaken: cannot reach the database: .*127\.0\.0\.1:1\b/,
    )
    expectClear(
      await withUrl('postgres://someone:secret@nowhere.invalid/lake'),
      /^interlaken: cannot reach the database: .*nowhere\.invalid\b/,
    )
    expectClear(
      await elsewhere((url) => {
        url.pathname = '/nothing'
      }),
      /^interlaken: cannot reach the database: database "nothing" does not exist$/,
    )
    expectClear(
      await elsewhere((url) => {
        url.username = 'nobody'
      }),
      /^interlaken: cannot reach the database: (password authentication failed for user|role) "nobody"/,
    )
  })

  it('on a database of another version, or with another secret key than the one it was made with', async () => {
    const environment = { DATABASE_URL: await createDatabase() }
    const first = await startServer({ runtime, databaseUrl: environment.DATABASE_URL })
    expect(await first.stop()).toBe(0)
    expectClear(
      await start(fresh('other-secret'), environment),
      /^interlaken: cannot open the secret of "[\w:]+": it was sealed with another auth\.encrypt\.secret_key/,
    )
    const client = new pg.Client({ connectionString: environment.DATABASE_URL })
    await client.connect()
    await client.query("INSERT INTO interlaken_migrations (number, tag, hash) VALUES (9999, '9999_later', 'x')")
    await client.end()
    expectClear(
      await start(fresh('newer'), environment),
      /^interlaken: cannot use the database: it was made by another, probably newer version \(migration "9999_later" /,
    )
  })
})
