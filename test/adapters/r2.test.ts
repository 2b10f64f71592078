import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { createR2Adapter } from '../../adapters/r2.ts'
import type { BlockAdapter } from '../../src/block/adapter.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { workerdHttp } from '../../src/runtime/workerd.ts'
import { describeAdapter, ODD_KEYS } from '../block/adapter-contract.ts'
import { pack, unpack, unpackError, type WireError } from '../support/adapter-wire.ts'
import { r2Definition } from '../support/definitions.ts'

/** Pure parts run here, everything else in workerd: Miniflare's own proxy of a bucket cannot carry streams that fail. */
function remoteAdapter(miniflare: Miniflare): BlockAdapter {
  const here = createR2Adapter(r2Definition('bucket'), Object.create(null), workerdHttp)
  const local = new Set(['locate', 'locateFull', 'canonicalNamespace', 'canonicalLocation', 'close'])
  return new Proxy(here, {
    get(target, method: string) {
      const own: unknown = Reflect.get(target, method)
      if (typeof own !== 'function' || local.has(method)) return own
      return async (...args: unknown[]) => {
        const body = JSON.stringify({ method, args: await pack(args) })
        const response = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body })
        const answer = (await response.json()) as { result?: unknown; error?: WireError }
        if (answer.error !== undefined) throw unpackError(answer.error)
        return unpack(answer.result)
      }
    },
  })
}

describeAdapter('r2, inside workerd', async () => {
  const bundle = await build({
    entryPoints: ['test/support/r2-worker.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker'],
    external: ['node:*'],
  })
  const miniflare = new Miniflare({
    modules: true,
    script: bundle.outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-04-01',
    compatibilityFlags: ['nodejs_compat'],
    r2Buckets: ['BUCKET'],
  })
  return {
    adapter: remoteAdapter(miniflare),
    namespace: 's3://bucket/some/prefix' as StorageNamespace,
    oddKeys: [...ODD_KEYS, 'a//b', '/leading', 'trailing/', './dot', 'up/../down'],
    refusedKeys: [],
    nests: true,
    minimumPartBytes: 5 * 1024 ** 2,
    multiPartStreamBytes: 9 * 1024 ** 2,
    fetch,
    close: () => miniflare.dispose(),
  }
})
