// A server as a user runs it, for as long as a test runs.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const START_TIMEOUT_MS = 120_000

/** The checkout. */
export const root = join(import.meta.dirname, '..', '..')

/** `npm start`, as a user types it, with a new data folder and these storages; `env` chooses runtime and database. */
export async function startServer({ data, storages, env = {} }) {
  const args = ['start', '--silent', '--', '--data', data, '--listen', '127.0.0.1:0']
  const child = spawn('npm', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env, INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify(storages) },
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const shown = await new Promise((resolve, reject) => {
    let output = ''
    const late = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_TIMEOUT_MS)
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      const host = /listening +(\S+)/.exec(output)?.[1]
      const accessKeyId = /access key id +(\S+)/.exec(output)?.[1]
      const secretAccessKey = /secret access key +(\S+)/.exec(output)?.[1]
      if (host === undefined || accessKeyId === undefined || secretAccessKey === undefined) return
      clearTimeout(late)
      resolve({ host, accessKeyId, secretAccessKey })
    })
    void exited.then((code) => {
      clearTimeout(late)
      reject(new Error(`the server ended with ${code}:\n${output}`))
    })
  })
  const stop = () => {
    child.kill('SIGTERM')
    return exited
  }
  return { ...shown, stop }
}
