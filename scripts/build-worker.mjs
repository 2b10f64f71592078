// src/worker.ts as one module for workerd: dist/worker.mjs.
import { isBuiltin } from 'node:module'
import { bundle } from './bundle.mjs'

const options = {
  platform: 'neutral',
  target: 'es2022',
  minify: true,
  conditions: ['workerd', 'worker'],
  // Not with a condition "import": it breaks pg-pool.
  mainFields: ['module', 'main'],
  external: ['node:*', 'cloudflare:*', 'pg-native'],
  define: { 'import.meta.url': '"file:///worker.js"' },
}

/**
 * workerd knows Node's modules by their `node:` names and as ES modules only: imports get the prefix, and a CommonJS `require` gets a
 * module that hands on the default export.
 */
function nodeModules() {
  return {
    name: 'node-modules',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
        if (!isBuiltin(path)) return null
        const name = path.startsWith('node:') ? path : `node:${path}`
        return kind === 'require-call'
          ? { path: name, namespace: 'required-node-module' }
          : { path: name, external: true }
      })
      build.onLoad({ filter: /.*/, namespace: 'required-node-module' }, ({ path }) => ({
        contents: `import module_ from '${path}'; module.exports = module_`,
        loader: 'js',
      }))
    },
  }
}

/** Builds it unless it is there and fresh; answers its path. Another `entry` and `outfile` make another Worker of the same kind. */
export function buildWorker({ entry = 'src/worker.ts', outfile = 'dist/worker.mjs' } = {}) {
  return bundle({ entry, outfile, options, plugins: [nodeModules] })
}

if (process.argv[1]?.endsWith('build-worker.mjs')) console.log(await buildWorker())
