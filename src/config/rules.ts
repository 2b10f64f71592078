/**
 * What holds between keys. The rules read the tree before types are checked, so that one start reports every fault there is.
 */
import type { Fault, Findings } from './faults.ts'
import { expandPath, type FileFacts } from './paths.ts'
import { checkStorages } from './storage-rules.ts'
import { isTrueAt, type Section, textAt, wordAt } from './tree.ts'

/** Reports everything in `tree` that contradicts itself. */
export function checkRules(tree: Section, files: FileFacts, findings: Findings): void {
  findings.faults.push(...checkTls(tree, files), ...checkDatabase(tree))
  checkInstallation(tree, findings)
  checkStorages(tree, files, findings)
}

function* checkTls(tree: Section, files: FileFacts): Generator<Fault> {
  if (!isTrueAt(tree, 'tls.enabled')) return
  for (const key of ['tls.cert_file', 'tls.key_file']) {
    const written = textAt(tree, key)
    if (written === undefined) {
      yield {
        path: key,
        message: 'is missing; with tls.enabled give both tls.cert_file and tls.key_file, or set tls.enabled: false',
      }
      continue
    }
    const problem = files.unreadable(expandPath(written, files))
    if (problem !== null) yield { path: key, message: `names a file that cannot be read (${problem}); name a PEM file` }
  }
}

function* checkDatabase(tree: Section): Generator<Fault> {
  const key = 'database.postgres.connection_string'
  if (wordAt(tree, 'database.type') === 'postgres' && textAt(tree, key) === undefined) {
    yield {
      path: key,
      message: 'is missing; set it to postgres://user:password@host:5432/database, or set DATABASE_URL',
    }
  }
}

function checkInstallation(tree: Section, findings: Findings): void {
  const keys = ['user_name', 'access_key_id', 'secret_access_key'].map((name) => `installation.${name}`)
  const missing = keys.filter((key) => textAt(tree, key) === undefined)
  if (missing.length === 0 || missing.length === keys.length) return
  const given = keys.filter((key) => !missing.includes(key)).join(' and ')
  for (const path of missing) {
    findings.faults.push({
      path,
      message: `is missing while ${given} is given; give all three to create the first user, or none`,
    })
  }
}
