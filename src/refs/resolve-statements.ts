/**
 * The hot read: one statement gives repository, versions, ref and its tree, and if wanted the staged row of a path or the first page
 * of staged rows. In one statement, since between two the tokens could be committed and cleaned up.
 */
import type { HotStatement } from '../db/db.ts'
import { stagedPageSql } from '../db/staged-rows.ts'
import type { CommitId, MetaRangeId } from '../model.ts'
import { type RepositoryRow, repositoryColumns, type VersionsRow, versionsColumns } from './repository-row.ts'

interface RefRow {
  /** `c`: the base is the id of this commit. Null: neither commit, branch nor tag. */
  readonly kind: 'b' | 't' | 'c' | null
  readonly commit_id: CommitId | null
  /** The commit's tree. */
  readonly metarange_id: MetaRangeId | null
  /** The compacted tree of a branch, if any. */
  readonly base_metarange: MetaRangeId | null
  /** A branch's tokens, newest first, joined by commas. */
  readonly tokens: string | null
  readonly hidden: boolean | null
}

/** What every variant says once; `uid` null: no such repository. */
export type Head = VersionsRow & RefRow & (RepositoryRow | { readonly uid: null })

/** `$1` repository name, `$2` base of the expression. A full commit id is looked for first, as lakeFS does. */
function headSql(fullId: boolean): string {
  const commit = (id: string, alias: string): string =>
    `LEFT JOIN LATERAL (SELECT id, metarange_id FROM commits WHERE repo_uid = r.uid AND id = ${id} LIMIT 1) ${alias} ON true`
  const unlessExact = (value: string, otherwise: string): string =>
    fullId ? `CASE WHEN x.id IS NULL THEN ${value} ELSE ${otherwise} END` : value
  return `SELECT ${versionsColumns}, ${repositoryColumns}, ${unlessExact('f.kind', "'c'")} AS kind, c.id AS commit_id, c.metarange_id,
      f.base_metarange, f.hidden, ${unlessExact('f.token', 'NULL')} AS token, ${unlessExact('f.sealed', 'NULL')} AS sealed
    FROM installation i LEFT JOIN repositories r ON r.name = $1
    LEFT JOIN LATERAL (SELECT * FROM refs WHERE repo_uid = r.uid AND name = $2 LIMIT 1) f ON true
    ${fullId ? commit('$2', 'x') : ''} ${commit(fullId ? 'COALESCE(x.id, f.commit_id)' : 'f.commit_id', 'c')}`
}

const headColumns = `h.auth_version, h.storage_version, ${repositoryColumns.replaceAll('r.', 'h.')}, h.kind, h.commit_id, h.metarange_id,
  h.base_metarange, h.hidden, CASE WHEN h.sealed = '{}' THEN h.token::text ELSE array_to_string(h.token || h.sealed, ',') END AS tokens`

/** The variants of one way to look the base up. */
export interface ResolveStatements {
  /** One row `Head`. */
  readonly ref: HotStatement
  /** `$3` path: one row `Head & { staged, rec }`, `rec` of the newest token that has the path. */
  readonly path: HotStatement
  /** `$3` start, `$4` end, `$5` limit: one row `{ head }` (JSON, so that the others stay narrow) and rows `{ place, path, rec }`. */
  readonly page: HotStatement
  /** `$3` paths (`bytea[]`): one row `{ head }` (JSON) and a row `{ at, visible }` for each path that is staged, `at` from 1. */
  readonly paths: HotStatement
}

function statements(fullId: boolean): ResolveStatements {
  const suffix = fullId ? '_id' : ''
  const head = headSql(fullId)
  return {
    ref: { name: `resolve${suffix}`, readOnly: true, text: `SELECT ${headColumns} FROM (${head}) h` },
    path: {
      name: `resolve_path${suffix}`,
      readOnly: true,
      // The sealed tokens have a join of their own, which is not even entered without them: walking an array costs more than a lookup.
      text: `SELECT ${headColumns}, s.found OR o.found AS staged, CASE WHEN s.found THEN s.rec ELSE o.rec END AS rec FROM (${head}) h
        LEFT JOIN LATERAL (SELECT true AS found, rec FROM staged WHERE token = h.token AND path = $3::bytea LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT true AS found, o.rec FROM unnest(h.sealed) WITH ORDINALITY t(token, place)
          CROSS JOIN LATERAL (SELECT rec FROM staged WHERE token = t.token AND path = $3::bytea LIMIT 1) o
          WHERE s.found IS NULL AND h.sealed <> '{}' ORDER BY t.place LIMIT 1) o ON true`,
    },
    page: {
      name: `resolve_page${suffix}`,
      readOnly: true,
      text: `WITH h AS MATERIALIZED (${head})
        SELECT row_to_json(head) AS head, NULL::int4 AS place, NULL::bytea AS path, NULL::bytea AS rec FROM (SELECT ${headColumns} FROM h) head
        UNION ALL SELECT NULL, t.place::int4, page.path, page.rec FROM h CROSS JOIN LATERAL ${stagedPageSql('h.token || h.sealed', '$3', '$4', '$5')}`,
    },
    paths: {
      name: `resolve_paths${suffix}`,
      readOnly: true,
      text: `WITH h AS MATERIALIZED (${head})
        SELECT row_to_json(head) AS head, NULL::int4 AS at, NULL::bool AS visible FROM (SELECT ${headColumns} FROM h) head
        UNION ALL SELECT NULL, u.at::int4, s.visible FROM h CROSS JOIN unnest($3::text::bytea[]) WITH ORDINALITY u(path, at)
          CROSS JOIN LATERAL (SELECT s.visible FROM unnest(h.token || h.sealed) WITH ORDINALITY t(token, place)
            CROSS JOIN LATERAL (SELECT rec IS NOT NULL AS visible FROM staged WHERE token = t.token AND path = u.path LIMIT 1) s
            ORDER BY t.place LIMIT 1) s`,
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
