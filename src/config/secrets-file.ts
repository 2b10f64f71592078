import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { ConfigError } from './faults.ts'

const secretsSchema = v.object({
  /** `auth.encrypt.secret_key`: without it, what the database keeps encrypted is lost. */
  authEncryptSecretKey: v.pipe(v.string(), v.minLength(16)),
  /** `blockstores.signing.secret_key`. */
  signingSecretKey: v.pipe(v.string(), v.minLength(16)),
})

/** The secrets of a start without a configuration file. */
export type Secrets = v.InferOutput<typeof secretsSchema>

/** New secrets of 256 bits each. */
export function generateSecrets(): Secrets {
  return { authEncryptSecretKey: randomBytes(32).toString('hex'), signingSecretKey: randomBytes(32).toString('hex') }
}

/** The secrets kept in `file`; null when it is not there. @throws ConfigError when it cannot be read as such */
export function readSecrets(file: string): Secrets | null {
  if (!existsSync(file)) return null
  let written: unknown
  try {
    written = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw unusable(file, error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${codeOf(error)})`)
  }
  const parsed = v.safeParse(secretsSchema, written)
  if (!parsed.success) throw unusable(file, 'does not hold authEncryptSecretKey and signingSecretKey')
  return parsed.output
}

/** True when others than the owner may read `file`. */
export function isReadableByOthers(file: string): boolean {
  return process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0
}

/**
 * The secrets in `file`, made (mode 0600) and on disk before this answers when there were none. Of several processes that make them at
 * once, one wins and all answer the same. @throws ConfigError
 */
export function keepSecrets(file: string): Secrets {
  const kept = readSecrets(file)
  if (kept !== null) return kept
  const secrets = generateSecrets()
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    const open = openSync(draft, 'wx', 0o600)
    try {
      writeSync(open, `${JSON.stringify(secrets, null, 2)}\n`)
      fsyncSync(open)
    } finally {
      closeSync(open)
    }
    publish(draft, file)
    syncFolder(dirname(file))
    return secrets
  } catch (error) {
    const winner = codeOf(error) === 'EEXIST' ? readSecrets(file) : null
    if (winner !== null) return winner
    throw new ConfigError([
      {
        path: file,
        message: `cannot be made (${codeOf(error)}); make its folder writable, or choose another with --data`,
      },
    ])
  } finally {
    discard(draft)
  }
}

function discard(draft: string): void {
  try {
    rmSync(draft, { force: true })
  } catch {
    // Its folder is not there either: nothing is left behind.
  }
}

/** Gives `draft` its name unless the name is taken; file systems without hard links answer with a plain rename. */
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || existsSync(file)) throw error
    renameSync(draft, file)
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const open = openSync(folder, 'r')
  try {
    fsyncSync(open)
  } finally {
    closeSync(open)
  }
}

function unusable(file: string, problem: string): ConfigError {
  return new ConfigError([
    {
      path: file,
      message: `${problem}; restore it from a backup: the credentials in the database cannot be read without these secrets`,
    },
  ])
}

/** `ENOENT` and the like; the message of an error that has no code. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
