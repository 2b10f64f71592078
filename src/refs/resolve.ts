/** From what a client wrote (`main`, `v1.0`, `main~3`, `main@`, a commit id) to a tree and its uncommitted changes. */
import { byteaArray } from '../db/arrays.ts'
import type { Db } from '../db/db.ts'
import type { StagedRow } from '../db/staged-rows.ts'
import { DomainError } from '../errors.ts'
import type {
  BranchName,
  Commit,
  CommitId,
  MetaRangeId,
  ObjectPath,
  RefExpression,
  Repository,
  RepositoryName,
  StagingToken,
} from '../model.ts'
import { type CommitCache, getCommits } from './commits.ts'
import { type ParsedExpression, parseExpression, type Step } from './expression.ts'
import { toRepository, toVersions, type Versions } from './repository-row.ts'
import { byFullId, byName, byPrefix, type Head, type ResolveStatements } from './resolve-statements.ts'

/** Where reads of an expression start. */
export interface ResolvedRef {
  readonly repository: Repository
  readonly versions: Versions
  /** What the expression names; `commit` after `~` or `^` too. */
  readonly kind: 'branch' | 'tag' | 'commit'
  /** The commit, of a branch its head. */
  readonly commitId: CommitId
  /** The commit's own tree, `""` when empty: for operations on commits. */
  readonly commitMetaRangeId: MetaRangeId
  /** The tree under `tokens`, for reads of objects: a branch's compacted tree when there is one and staging is read, else the commit's. */
  readonly metaRangeId: MetaRangeId
  /** Staged changes over `metaRangeId`, newest first; empty unless a branch is read with its staging. */
  readonly tokens: readonly StagingToken[]
  /** Only for `kind` branch. `view` is `$` when staging was asked for explicitly, which commit operations refuse. */
  readonly branch?: { readonly name: BranchName; readonly hidden: boolean; readonly view: '@' | '$' | null }
}

type PathRow = Head & { readonly staged: true | null; readonly rec: Buffer | null }
type PathsRow = { readonly head: Head } | { readonly head: null; readonly at: number; readonly visible: boolean }
type PageRow = { readonly head: Head } | (StagedRow & { readonly head: null })

/**
 * Resolves an expression: one statement for branches, tags and full commit ids; one more for a commit-id prefix; `~` and `^` walk
 * through the commit cache.
 *
 * @throws repository_not_found, ref_not_found, invalid_ref
 */
export async function resolveRef(
  db: Db,
  cache: CommitCache,
  repository: RepositoryName,
  expression: RefExpression,
): Promise<ResolvedRef> {
  const parsed = parseExpression(expression)
  const [head] = await db.run<Head>(statementsFor(parsed).ref, [repository, parsed.base])
  return finish(db, cache, parsed, expression, head)
}

/**
 * As `resolveRef`, with the staged row of one path in the same statement: `staged` is its record, null for a tombstone, undefined
 * when the tree decides.
 */
export async function resolvePath(
  db: Db,
  cache: CommitCache,
  repository: RepositoryName,
  expression: RefExpression,
  path: ObjectPath,
): Promise<{ ref: ResolvedRef; staged: Buffer | null | undefined }> {
  const parsed = parseExpression(expression)
  if (!readsStaging(parsed)) return { ref: await resolveRef(db, cache, repository, expression), staged: undefined }
  const [row] = await db.run<PathRow>(statementsFor(parsed).path, [repository, parsed.base, path])
  const ref = await finish(db, cache, parsed, expression, row)
  return { ref, staged: row?.staged ? row.rec : undefined }
}

/**
 * As `resolveRef`, with the first page of staged rows from `start` (inclusive) to `end` (exclusive, null: no end) in the same
 * statement: what a staged cursor with these bounds takes as its `firstPage`. `limit` counts per token.
 */
export async function resolvePage(
  db: Db,
  cache: CommitCache,
  repository: RepositoryName,
  expression: RefExpression,
  range: { readonly start: ObjectPath; readonly end: ObjectPath | null; readonly limit: number },
): Promise<{ ref: ResolvedRef; firstPage: { rows: readonly StagedRow[]; limit: number } }> {
  const parsed = parseExpression(expression)
  if (!readsStaging(parsed)) {
    const ref = await resolveRef(db, cache, repository, expression)
    return { ref, firstPage: { rows: [], limit: range.limit } }
  }
  const params = [repository, parsed.base, range.start, range.end, range.limit]
  const answer = await db.run<PageRow>(statementsFor(parsed).page, params)
  const rows: StagedRow[] = []
  let head: Head | undefined
  for (const row of answer) {
    if (row.head === null) rows.push(row)
    else head = row.head
  }
  return { ref: await finish(db, cache, parsed, expression, head), firstPage: { rows, limit: range.limit } }
}

/**
 * As `resolveRef`, with what is staged at many paths in the same statement: `staged[n]` is true for an object, false for a tombstone,
 * undefined when the tree decides about `paths[n]`.
 */
export async function resolvePaths(
  db: Db,
  cache: CommitCache,
  repository: RepositoryName,
  expression: RefExpression,
  paths: readonly ObjectPath[],
): Promise<{ ref: ResolvedRef; staged: readonly (boolean | undefined)[] }> {
  const parsed = parseExpression(expression)
  const staged = new Array<boolean | undefined>(paths.length).fill(undefined)
  if (!readsStaging(parsed)) return { ref: await resolveRef(db, cache, repository, expression), staged }
  let head: Head | undefined
  for (const row of await db.run<PathsRow>(statementsFor(parsed).paths, [repository, parsed.base, byteaArray(paths)])) {
    if (row.head === null) staged[row.at - 1] = row.visible
    else head = row.head
  }
  return { ref: await finish(db, cache, parsed, expression, head), staged }
}

/**
 * The commit that an operation on commits means by `ref`.
 * @throws invalid_ref for `branch$`, with lakeFS's text
 */
export function requireCommit(ref: ResolvedRef): CommitId {
  if (ref.branch?.view === '$') throw new DomainError('invalid_ref', 'reference to staging area with $ is not a commit')
  return ref.commitId
}

function readsStaging(parsed: ParsedExpression): boolean {
  return parsed.steps.length === 0 && parsed.view !== '@'
}

function statementsFor(parsed: ParsedExpression): ResolveStatements {
  return /^[0-9a-f]{64}$/.test(parsed.base) ? byFullId : byName
}

async function finish(
  db: Db,
  cache: CommitCache,
  parsed: ParsedExpression,
  expression: RefExpression,
  head: Head | undefined,
): Promise<ResolvedRef> {
  if (head === undefined || head.uid === null) throw new DomainError('repository_not_found', 'repository not found')
  const repository = toRepository(head)
  const versions = toVersions(head)
  if (parsed.view !== null && head.kind !== 'b') {
    // Only an existing branch may carry the modifier; what does not exist at all is not found.
    const exists = head.kind !== null || (await findPrefix(db, repository, parsed.base)) !== null
    if (exists) throw new DomainError('invalid_ref', `argument ref: ${expression}: invalid value: validation error`)
    throw refNotFound(expression)
  }
  const start = await findStart(db, parsed, expression, head, repository)
  if (parsed.steps.length > 0) {
    const commit = await walk(db, cache, repository, expression, start.commitId, parsed.steps)
    const { id: commitId, metaRangeId } = commit
    return { repository, versions, kind: 'commit', commitId, metaRangeId, commitMetaRangeId: metaRangeId, tokens: [] }
  }
  const { commitId, metaRangeId: commitMetaRangeId } = start
  if (head.kind !== 'b') {
    const kind = head.kind === 't' ? 'tag' : 'commit'
    return { repository, versions, kind, commitId, metaRangeId: commitMetaRangeId, commitMetaRangeId, tokens: [] }
  }
  const staging = parsed.view !== '@'
  return {
    repository,
    versions,
    kind: 'branch',
    commitId,
    commitMetaRangeId,
    metaRangeId: staging ? (head.base_metarange ?? commitMetaRangeId) : commitMetaRangeId,
    tokens: staging ? ((head.tokens?.split(',') ?? []) as StagingToken[]) : [],
    branch: { name: parsed.base as BranchName, hidden: head.hidden ?? false, view: parsed.view },
  }
}

async function findStart(
  db: Db,
  parsed: ParsedExpression,
  expression: RefExpression,
  head: Head,
  repository: Repository,
): Promise<{ commitId: CommitId; metaRangeId: MetaRangeId }> {
  const { commit_id: commitId, metarange_id: metaRangeId } = head
  if (head.kind !== null) {
    if (commitId !== null && metaRangeId !== null) return { commitId, metaRangeId }
    throw new DomainError('corrupt', `cannot read "${parsed.base}": its commit has no record`)
  }
  const found = await findPrefix(db, repository, parsed.base)
  if (found === null) throw refNotFound(expression)
  return found
}

/** The one commit whose id starts with `prefix`, or null. Ids are lower case; the query part is skipped for what cannot be one. */
async function findPrefix(
  db: Db,
  repository: Repository,
  prefix: string,
): Promise<{ commitId: CommitId; metaRangeId: MetaRangeId } | null> {
  if (!/^[0-9a-f]{1,63}$/.test(prefix)) return null
  const rows = await db.run<{ id: CommitId; metarange_id: MetaRangeId }>(byPrefix, [repository.uid, prefix])
  const [only] = rows
  return rows.length === 1 && only !== undefined ? { commitId: only.id, metaRangeId: only.metarange_id } : null
}

async function walk(
  db: Db,
  cache: CommitCache,
  repository: Repository,
  expression: RefExpression,
  from: CommitId,
  steps: readonly Step[],
): Promise<Commit> {
  async function load(id: CommitId, depth: number): Promise<Commit> {
    const options = { depth, firstParent: true }
    const commit = (await getCommits(db, cache, repository.uid, [id], options)).get(id)
    if (commit === undefined) throw refNotFound(expression)
    return commit
  }
  let commit = await load(from, 1)
  for (const { kind, count } of steps) {
    if (kind === '^') {
      if (count === 0) continue
      const parent = commit.parents[count - 1]
      if (parent === undefined) {
        throw new DomainError('invalid_ref', `argument ref: ${expression}: invalid value: validation error`)
      }
      commit = await load(parent, 1)
      continue
    }
    for (let left = count; left > 0; left--) {
      const parent = commit.parents[0]
      if (parent === undefined) throw refNotFound(expression)
      // The walk's next commits come along, so a long one takes few statements.
      commit = await load(parent, Math.min(left, 256))
    }
  }
  return commit
}

function refNotFound(expression: RefExpression): DomainError {
  return new DomainError('ref_not_found', `reference '${expression}': not found`)
}
