// Bundling with a memory: a bundle is built again only when one of the files that went into it, or the way it is built, has changed.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './install.mjs'

/**
 * Builds `entry` into `outfile` (both relative to the project) with esbuild and answers the bundle's absolute path. The bundle and its
 * source map appear whole or not at all, so several processes may build at once.
 */
export async function bundle({ entry, outfile, options, plugins = [] }) {
  const target = join(root, outfile)
  const how = createHash('sha256')
    .update(JSON.stringify([entry, options, plugins.map(String)]))
    .digest('hex')
  if (isFresh(target, how)) return target
  const { build } = await import('esbuild')
  const result = await build({
    ...options,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    sourcemap: true,
    metafile: true,
    write: false,
    logLevel: 'warning',
    plugins: plugins.map((make) => make()),
  })
  mkdirSync(dirname(target), { recursive: true })
  for (const file of result.outputFiles) replace(file.path, file.contents)
  const inputs = Object.keys(result.metafile.inputs).filter((path) => !path.includes(':'))
  replace(`${target}.inputs.json`, JSON.stringify({ how, inputs }))
  return target
}

function isFresh(target, how) {
  try {
    const builtMs = statSync(target).mtimeMs
    const known = JSON.parse(readFileSync(`${target}.inputs.json`, 'utf8'))
    return known.how === how && known.inputs.every((path) => statSync(join(root, path)).mtimeMs < builtMs)
  } catch {
    return false
  }
}

function replace(file, contents) {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, contents)
  renameSync(draft, file)
}
