// Installs the locked dependencies when they are missing or differ from package-lock.json: with npm, or with the Bun that runs this
// where there is no Node. Imports nothing but node: modules, since it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const modules = join(root, 'node_modules')
/** npm writes this when it is done. */
const npmMark = join(modules, '.package-lock.json')
/** We write this when Bun is done, which leaves no mark of its own. */
const bunMark = join(modules, '.interlaken-installed-by-bun')

/**
 * Makes node_modules hold what package-lock.json names: all of it, or with `production` what the server needs. Does nothing, in a few
 * milliseconds, when it does already. Ends the process when the installation fails.
 */
export function ensureInstalled({ production = false } = {}) {
  if (isComplete(production)) return
  console.log('Installing the locked dependencies …')
  const { command, args } = process.versions.bun === undefined ? npm(production) : bun(production)
  rmSync(bunMark, { force: true })
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (result.status === 0) {
    if (process.versions.bun !== undefined) writeFileSync(bunMark, '')
    return
  }
  const why =
    result.error?.code === 'ENOENT' ? 'it is not on the PATH' : `it ended with ${result.status ?? result.signal}`
  console.error(`interlaken: cannot install the dependencies with ${command}: ${why}`)
  process.exit(1)
}

function npm(production) {
  // `ci` starts from an empty node_modules, which would pull the ground from under a server that is running from it.
  const verb = !production && isComplete(true) ? ['install', '--no-save'] : ['ci']
  const args = [...verb, production ? '--omit=dev' : '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  return { command: 'npm', args }
}

function bun(production) {
  // Bun reads package-lock.json; without --no-save it would leave a lock file of its own beside it.
  const args = ['install', '--frozen-lockfile', '--no-save', '--silent', ...(production ? ['--production'] : [])]
  return { command: process.execPath, args }
}

function isComplete(production) {
  if (!existsSync(npmMark) && !existsSync(bunMark)) return false
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(packages).every(([path, { version, optional, devOptional, dev }]) => {
    const isWanted = path !== '' && !optional && !(production && (dev || devOptional))
    return !isWanted || installedVersion(path) === version
  })
}

function installedVersion(path) {
  try {
    return JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).version
  } catch {
    return null
  }
}
