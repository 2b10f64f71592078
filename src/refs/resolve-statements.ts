/**
 * The hot read: one statement gives repository, versions, ref and its tree, and if wanted the staged row of a path or the first page
 * of staged rows. In one statement, since between two the tokens could be committed and cleaned up.
 */
import type { HotStatement } from '../db/db.ts'
import { stagedPageSql } from '../db/staged-rows.ts'
import type { CommitId, MetaRangeId, Repository, StagingToken } from '../model.ts'
import { repositoryJson, type Versions, versionsJson } from './repository-row.ts'

/** What every variant says once. */
export interface Head {
  readonly versions: Versions
  /** Null: no such repository. */
  readonly repository: Repository | null
  /** `c`: the base is the id of this commit. Null: neither commit, branch nor tag. */
  readonly kind: 'b' | 't' | 'c' | null
  readonly commitId: CommitId | null
  /** The commit's tree. */
  readonly metaRangeId: MetaRangeId | null
  /** The compacted tree of a branch, if any. */
  readonly baseMetaRangeId: MetaRangeId | null
  readonly token: StagingToken | null
  readonly sealed: readonly StagingToken[] | null
  readonly hidden: boolean | null
}

/** `$1` repository name, `$2` base of the expression. A full commit id is looked for first, as lakeFS does. */
function headSql(fullId: boolean): string {
  const exact = fullId ? 'LEFT JOIN commits x ON x.repo_uid = r.uid AND x.id = $2' : ''
  const unlessExact = (value: string): string => (fullId ? `CASE WHEN x.id IS NULL THEN ${value} END` : value)
  const commitId = fullId ? 'COALESCE(x.id, f.commit_id)' : 'f.commit_id'
  return `SELECT json_build_object('versions', ${versionsJson}, 'repository', ${repositoryJson},
      'kind', ${fullId ? `CASE WHEN x.id IS NULL THEN f.kind ELSE 'c' END` : 'f.kind'}, 'commitId', c.id, 'metaRangeId', c.metarange_id,
      'baseMetaRangeId', f.base_metarange, 'token', f.token, 'sealed', f.sealed, 'hidden', f.hidden) AS head,
      ${unlessExact('f.token || f.sealed')} AS tokens
    FROM installation i LEFT JOIN repositories r ON r.name = $1 LEFT JOIN refs f ON f.repo_uid = r.uid AND f.name = $2 ${exact}
    LEFT JOIN commits c ON c.repo_uid = r.uid AND c.id = ${commitId}`
}

/** The variants of one way to look the base up. */
export interface ResolveStatements {
  /** Rows `{ head }`. */
  readonly ref: HotStatement
  /** `$3` path: rows `{ head, staged, rec }`, `rec` of the newest token that has the path. */
  readonly path: HotStatement
  /** `$3` start, `$4` end, `$5` limit: one row `{ head }` and rows `{ place, path, rec }`. */
  readonly page: HotStatement
}

function statements(fullId: boolean): ResolveStatements {
  const suffix = fullId ? '_id' : ''
  const head = headSql(fullId)
  return {
    ref: { name: `resolve${suffix}`, readOnly: true, text: `SELECT head FROM (${head}) h` },
    path: {
      name: `resolve_path${suffix}`,
      readOnly: true,
      text: `SELECT h.head, s.place IS NOT NULL AS staged, s.rec FROM (${head}) h LEFT JOIN LATERAL (
          SELECT t.place, s.rec FROM unnest(h.tokens) WITH ORDINALITY t(token, place)
          CROSS JOIN LATERAL (SELECT rec FROM staged WHERE token = t.token AND path = $3::bytea OFFSET 0) s ORDER BY t.place LIMIT 1) s ON true`,
    },
    page: {
      name: `resolve_page${suffix}`,
      readOnly: true,
      text: `WITH h AS MATERIALIZED (${head})
        SELECT h.head, NULL::int4 AS place, NULL::bytea AS path, NULL::bytea AS rec FROM h
        UNION ALL SELECT NULL, t.place::int4, page.path, page.rec FROM h CROSS JOIN LATERAL ${stagedPageSql('h.tokens', '$3', '$4', '$5')}`,
    },
  }
}

export const byName: ResolveStatements = statements(false)
/** For bases of 64 hex characters. */
export const byFullId: ResolveStatements = statements(true)

/** Commits whose id starts with `$2`; two rows mean that the prefix is ambiguous. `g` follows the last hex digit. */
export const byPrefix: HotStatement = {
  name: 'resolve_prefix',
  readOnly: true,
  text: `SELECT id, metarange_id FROM commits WHERE repo_uid = $1::uuid AND id >= $2 AND id < $2 || 'g' ORDER BY id LIMIT 2`,
}
