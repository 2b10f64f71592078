// src/node.ts as one file for Node 20, which runs no TypeScript: dist/node.mjs.
import { bundle } from './bundle.mjs'

// PGlite finds its WebAssembly and data files beside its own modules; pg-native is an optional native module of pg.
const external = ['@electric-sql/pglite', '@electric-sql/pglite/*', 'pg-native']
// CommonJS packages in the bundle call require for Node's own modules.
const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

/** Builds it unless it is there and fresh; answers its path. Another `entry` and `outfile` make another program of the same kind. */
export function buildNode({ entry = 'src/node.ts', outfile = 'dist/node.mjs' } = {}) {
  return bundle({ entry, outfile, options: { platform: 'node', target: 'node20', external, banner: { js: banner } } })
}

if (process.argv[1]?.endsWith('build-node.mjs')) console.log(await buildNode())
