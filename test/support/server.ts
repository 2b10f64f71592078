/** Starts the real server as a process of its own, on Bun or Node, and knows how to stop it and how to kill it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Target } from './http.ts'

export type Runtime = 'bun' | 'node'

export interface ServerOptions {
  readonly runtime: Runtime
  /** A Postgres connection string; absent: the embedded database. */
  readonly databaseUrl?: string
  /** Reused from an earlier server; absent: a new folder that `stop` removes. */
  readonly dataDirectory?: string
  /** Started with this configuration file, which must name every place; then there is no administrator before the setup. */
  readonly configFile?: string
  /** `blockstores.stores` in place of the two local storages. */
  readonly stores?: readonly Readonly<Record<string, unknown>>[]
  readonly environment?: Readonly<Record<string, string>>
  /** Credentials of the administrator made by an earlier start. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** In place of the runtime's own entry. */
  readonly entry?: string
}

export interface RunningServer extends Target {
  readonly dataDirectory: string
  readonly pid: number
  /** Everything it has printed so far. */
  output(): string
  /** SIGTERM; resolves with the exit code, the data folder removed when it was ours. */
  stop(): Promise<number | null>
  /** SIGKILL; resolves when it is gone. The data stay. */
  kill(): Promise<void>
  /** Resolves when the process has ended, however. */
  readonly exited: Promise<number | null>
}

const root = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 60_000

/** The command that runs an entry on a runtime. */
export async function serverCommand(runtime: Runtime, entry?: string): Promise<string[]> {
  if (runtime === 'bun')
    return [join(root, 'node_modules', 'bun', 'bin', 'bun.exe'), entry ?? join(root, 'src', 'bun.ts')]
  const { buildNode } = (await import(join(root, 'scripts', 'build-node.mjs'))) as { buildNode: () => Promise<string> }
  return ['node', '--enable-source-maps', await buildNode()]
}

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const own = options.dataDirectory === undefined
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'interlaken-server-'))
  const [command = '', ...args] = await serverCommand(options.runtime, options.entry)
  const { DATABASE_URL: _, ...inherited } = process.env
  const { configFile } = options
  const start = configFile === undefined ? ['--data', dataDirectory] : ['--config', configFile]
  const child = spawn(command, [...args, ...start, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...inherited,
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      ...(options.stores === undefined ? {} : { INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify(options.stores) }),
      ...options.environment,
    },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const baseUrl = await untilListening(child, exited, () => output)
  const credentials = options.credentials ?? shownCredentials(output)
  return {
    baseUrl,
    ...credentials,
    dataDirectory,
    pid: child.pid ?? -1,
    output: () => output,
    exited,
    async stop() {
      child.kill('SIGTERM')
      const code = await exited
      if (own) rmSync(dataDirectory, { recursive: true, force: true })
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function untilListening(
  child: ChildProcess,
  exited: Promise<number | null>,
  output: () => string,
): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS
  let ended = false
  void exited.then(() => {
    ended = true
  })
  while (Date.now() < deadline && !ended) {
    const address = /listening +(https?:\/\/\S+)/.exec(output())?.[1]
    if (address !== undefined) return address
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  child.kill('SIGKILL')
  throw new Error(`the server did not start:\n${output()}`)
}

function shownCredentials(output: string): { accessKeyId: string; secretAccessKey: string } {
  const accessKeyId = /access key id +(\S+)/.exec(output)?.[1]
  const secretAccessKey = /secret access key +(\S+)/.exec(output)?.[1]
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error(`the server showed no credentials:\n${output}`)
  return { accessKeyId, secretAccessKey }
}
