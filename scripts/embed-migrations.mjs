// Writes src/db/migrations.gen.ts from migrations/: bundles and Workers have no folder to read at run time.
// Run it after `npx drizzle-kit generate`; test/db/migrations-embedded.test.ts fails when it was forgotten.
import { readFileSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)

export function renderMigrations() {
  const journal = JSON.parse(readFileSync(new URL('migrations/meta/_journal.json', root), 'utf8'))
  const migrations = journal.entries.map(({ tag }) => {
    const text = readFileSync(new URL(`migrations/${tag}.sql`, root), 'utf8')
    // drizzle-kit pins foreign keys to the schema "public"; the tables live wherever the connection's search_path says.
    const statements = text.replaceAll('"public".', '').split('--> statement-breakpoint')
    return { tag, statements: statements.map((statement) => statement.trim()) }
  })
  return `// Made by scripts/embed-migrations.mjs from migrations/. Do not edit.\nexport const migrations: readonly { readonly tag: string; readonly statements: readonly string[] }[] = ${JSON.stringify(migrations, null, 2)}\n`
}

if (process.argv[1]?.endsWith('embed-migrations.mjs')) {
  writeFileSync(new URL('src/db/migrations.gen.ts', root), renderMigrations())
}
