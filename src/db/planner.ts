/**
 * How the server plans our statements. A named statement keeps its plan; one made while a table had a page or two would read the whole
 * table for ever after (until an ANALYZE, which PGlite never runs by itself). All our reads are index lookups and index ranges, so the
 * other ways are ruled out, and the plan does not depend on the values. Joins to an index are written as `LATERAL (… LIMIT 1)`: on an
 * empty table a full scan costs the planner no more than a lookup, and only that form leaves it no choice. Nothing but speed depends on it: a pooler may hand us a
 * connection without these settings.
 */
export const plannerSettings: readonly (readonly [name: string, value: string])[] = [
  ['plan_cache_mode', 'force_generic_plan'],
  ['enable_seqscan', 'off'],
  ['enable_bitmapscan', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['enable_material', 'off'],
  // Each of our joins meets its inner side once: the table that remembers what it answered costs more than asking.
  ['enable_memoize', 'off'],
  // Where a ruled-out way is the only one, its cost looks enormous and would start the compiler.
  ['jit', 'off'],
]

/** One statement that applies them to a connection. */
export const plannerSettingsSql: string = `SELECT ${plannerSettings
  .map(([name, value]) => `set_config('${name}', '${value}', false)`)
  .join(', ')}`
