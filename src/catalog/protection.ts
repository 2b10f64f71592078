/** Branches that only merges may change. The rules are part of the repository's row: whoever looks a branch up has them as they were then. */
import { createHash } from 'node:crypto'
import { DomainError } from '../errors.ts'
import type { BranchName, Repository } from '../model.ts'
import { globOf } from '../refs/glob.ts'
import { setProtectedBranches } from '../refs/repositories.ts'
import type { Caller, Catalog } from './catalog.ts'
import { findRepository } from './resolve.ts'

export interface ProtectionRules {
  /** Patterns over whole branch names. */
  readonly patterns: readonly string[]
  /** Hex, bare as lakeFS has it; `""` when there are no rules. */
  readonly eTag: string
}

/**
 * Rules in a repository at most, characters of one, and bytes of all: each statement that finds the repository brings them along, and
 * each write matches them all, in some tens of milliseconds when they and the branch's name are made for it.
 */
const maxRules = 200
const maxPatternCharacters = 256
const maxRulesBytes = 16 * 1024
/** Races that a change of one rule may lose against others. */
const maxAttempts = 16

/** Refuses to change a protected branch; `force` never helps. @throws branch_protected with lakeFS's text */
export function refuseProtected(repository: Repository, branch: BranchName, action: 'write to' | 'commit to'): void {
  for (const pattern of repository.protectedBranches) {
    if (globOf(pattern)(branch)) throw new DomainError('branch_protected', `cannot ${action} protected branch`)
  }
}

/** @throws repository_not_found */
export async function getProtectionRules(
  catalog: Catalog,
  caller: Caller,
  repository: string,
): Promise<ProtectionRules> {
  const { protectedBranches: patterns } = await findRepository(catalog, caller, repository)
  return { patterns, eTag: eTagOf(patterns) }
}

/**
 * Replaces all rules. `ifMatch` is the tag of the rules that the caller has seen, `""` for none, null: whatever they are.
 *
 * @throws repository_not_found, invalid_argument, precondition_failed
 */
export async function setProtectionRules(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  patterns: readonly string[],
  ifMatch: string | null,
): Promise<void> {
  const wanted = checkRules(patterns)
  const { uid, protectedBranches } = await findRepository(catalog, caller, repository)
  const matches = ifMatch === null || ifMatch === eTagOf(protectedBranches)
  if (matches && (await setProtectedBranches(catalog.db, uid, wanted, ifMatch === null ? null : protectedBranches)))
    return
  // Without a condition only a repository that went away meanwhile takes no rules.
  if (ifMatch === null) throw new DomainError('repository_not_found', 'repository not found')
  throw new DomainError('precondition_failed', 'Precondition failed')
}

/** Adds a rule; one that is there stays. @throws repository_not_found, invalid_argument, contended */
export async function addProtectionRule(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  pattern: string,
): Promise<void> {
  await changeRules(catalog, caller, repository, (patterns) => checkRules([...patterns, pattern]))
}

/** Takes a rule away; whether it was there. @throws repository_not_found, contended */
export async function removeProtectionRule(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  pattern: string,
): Promise<boolean> {
  return changeRules(catalog, caller, repository, (patterns) => patterns.filter((known) => known !== pattern))
}

/** Whether it made a difference. */
async function changeRules(
  catalog: Catalog,
  caller: Caller,
  repository: string,
  change: (patterns: readonly string[]) => readonly string[],
): Promise<boolean> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const { uid, protectedBranches } = await findRepository(catalog, caller, repository)
    const wanted = change(protectedBranches)
    if (wanted.length === protectedBranches.length) return false
    if (await setProtectedBranches(catalog.db, uid, wanted, protectedBranches)) return true
  }
  throw new DomainError('contended', `cannot change the protection of "${repository}": others were always faster`)
}

/** Each pattern once, all of them readable. @throws invalid_argument */
function checkRules(patterns: readonly string[]): readonly string[] {
  const unique = [...new Set(patterns)]
  if (unique.length > maxRules) throw invalid('rules', `more than ${maxRules}`)
  for (const pattern of unique) {
    if (Array.from(pattern).length > maxPatternCharacters)
      throw invalid(
        'pattern',
        `${JSON.stringify(pattern.slice(0, 80))}… is longer than ${maxPatternCharacters} characters`,
      )
    globOf(pattern)
  }
  const bytes = unique.reduce((sum, pattern) => sum + Buffer.byteLength(pattern), 0)
  if (bytes > maxRulesBytes) throw invalid('rules', `all patterns together are longer than ${maxRulesBytes} bytes`)
  return unique
}

function invalid(argument: string, problem: string): DomainError {
  return new DomainError('invalid_argument', `argument ${argument}: ${problem}: invalid value: validation error`)
}

function eTagOf(patterns: readonly string[]): string {
  return patterns.length === 0 ? '' : createHash('sha256').update(JSON.stringify(patterns)).digest('hex')
}
