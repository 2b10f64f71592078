/** Starts the real Worker bundle in workerd, by way of Miniflare, and speaks to it over HTTP. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Target } from './http.ts'

const root = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 60_000

export interface WorkerOptions {
  /** As `buildWorker` takes it; absent: the server. */
  readonly entry?: string
  readonly outfile?: string
  /** Connection strings by binding. */
  readonly hyperdrives?: Readonly<Record<string, string>>
  /** Bucket names by binding. */
  readonly r2Buckets?: Readonly<Record<string, string>>
  /** Variables and secrets. */
  readonly bindings?: Readonly<Record<string, string>>
}

export interface RunningWorker {
  /** Without a trailing slash. */
  readonly baseUrl: string
  /** Everything it has logged so far. */
  output(): string
  stop(): Promise<void>
}

/** Builds a Worker (absent: the server) unless it is built; answers the bundle's path. */
export async function buildWorker(what: Pick<WorkerOptions, 'entry' | 'outfile'> = {}): Promise<string> {
  const script = (await import(join(root, 'scripts', 'build-worker.mjs'))) as {
    buildWorker: (what: Pick<WorkerOptions, 'entry' | 'outfile'>) => Promise<string>
  }
  return script.buildWorker(what)
}

/** Builds a Worker, unless it is built, and starts it. */
export async function startWorker({ entry, outfile, ...options }: WorkerOptions): Promise<RunningWorker> {
  const scriptPath = await buildWorker({
    ...(entry === undefined ? {} : { entry }),
    ...(outfile === undefined ? {} : { outfile }),
  })
  const host = join(import.meta.dirname, 'worker-host.mjs')
  const child = spawn(process.execPath, [host, JSON.stringify({ scriptPath, modulesRoot: root, ...options })], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  let ended = false
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => {
      ended = true
      resolve()
    }),
  )
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const baseUrl = /^listening (\S+?)\/?$/m.exec(output)?.[1]
    if (baseUrl !== undefined) {
      const stop = async () => {
        child.stdin.end()
        await exited
      }
      return { baseUrl, output: () => output, stop }
    }
    if (ended || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the Worker did not start:\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Makes the first administrator of a Worker's installation. */
export async function setUp({ baseUrl }: RunningWorker): Promise<Target> {
  const answer = await fetch(`${baseUrl}/api/v1/setup_lakefs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin' }),
  })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`setup answered ${answer.status}: ${text}`)
  const { access_key_id, secret_access_key } = JSON.parse(text) as Record<string, string>
  return { baseUrl, accessKeyId: access_key_id ?? '', secretAccessKey: secret_access_key ?? '' }
}
