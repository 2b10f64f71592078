// `npm start` and `bun run start`: dependencies if they are missing, then the server, whose arguments, terminal and exit code are ours.
// Runs on Node >= 20 and on Bun, before anything is installed.
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { ensureInstalled, root } from './install.mjs'

const isBun = process.versions.bun !== undefined
requireVersion()
ensureInstalled({ production: true })
run(process.env.INTERLAKEN_RUNTIME === 'node' ? await nodeCommand() : await bunCommand())

function requireVersion() {
  const wanted = isBun ? 1 : 20
  const have = isBun ? process.versions.bun : process.versions.node
  if (Number(have.split('.')[0]) >= wanted) return
  console.error(`interlaken: needs Node 20 or Bun 1.4 or later; this is ${isBun ? 'Bun' : 'Node'} ${have}`)
  process.exit(1)
}

/** Bun: the one that runs this, or the npm package. Where npm was told to run no install scripts, that one is a placeholder. */
async function bunCommand() {
  const packaged = join(root, 'node_modules', 'bun', 'bin', 'bun.exe')
  const own = isBun && Number(process.versions.bun.split('.')[1]) >= 4
  if (!own && !(existsSync(packaged) && statSync(packaged).size > 1 << 20)) {
    console.error('interlaken: the npm package bun is not whole (its install script did not run); starting on Node')
    return nodeCommand()
  }
  return [own ? process.execPath : packaged, '--no-env-file', '--no-install', join(root, 'src', 'bun.ts')]
}

/** Node: the one that runs this, or the one on the PATH. */
async function nodeCommand() {
  const { buildNode } = await import('./build-node.mjs')
  return [isBun ? 'node' : process.execPath, '--enable-source-maps', await buildNode()]
}

/**
 * Runs the server until it ends and ends with its exit code.
 *
 * A Ctrl-C, and a signal to the process group, reach the server without us; a signal to us alone does not. So we hand each kind on
 * once, as the other kind: the server, which stops in order at the first signal and at once at the second of the same kind, then
 * never takes one signal for two.
 */
function run([command, ...args]) {
  const server = spawn(command, [...args, ...process.argv.slice(2)], { stdio: 'inherit' })
  const other = { SIGINT: 'SIGTERM', SIGTERM: 'SIGINT' }
  const handedOn = new Set()
  for (const signal of Object.keys(other)) {
    process.on(signal, () => {
      if (handedOn.has(signal)) return
      handedOn.add(signal)
      server.kill(other[signal])
    })
  }
  server.on('error', (error) => {
    console.error(`interlaken: cannot run ${command}: ${error.code ?? error.message}`)
    process.exit(1)
  })
  server.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}
