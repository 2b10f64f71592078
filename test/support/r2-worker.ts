/** A Worker that answers calls of the R2 adapter over its real binding. */

import type { R2Bucket } from '../../adapters/r2/binding.ts'
import { createR2Adapter } from '../../adapters/r2.ts'
import type { BlockAdapter, GetResult } from '../../src/block/adapter.ts'
import { workerdHttp } from '../../src/runtime/workerd.ts'
import { pack, packError, unpack, wholeBody } from './adapter-wire.ts'
import { r2Definition } from './definitions.ts'

export default {
  async fetch(request: Request, environment: { readonly BUCKET: R2Bucket }): Promise<Response> {
    const adapter = createR2Adapter(r2Definition('bucket'), environment.BUCKET, workerdHttp)
    const { method, args } = unpack(await request.json()) as { method: keyof BlockAdapter; args: unknown[] }
    try {
      const operation = adapter[method] as (...args: unknown[]) => Promise<unknown>
      const result = await Reflect.apply(operation, adapter, args)
      const shown = method === 'get' ? await wholeBody(result as GetResult) : result
      return Response.json({ result: await pack(shown) })
    } catch (error) {
      return Response.json({ error: packError(error) })
    }
  },
}
