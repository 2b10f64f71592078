import { createMemAdapter } from '../../adapters/mem.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { describeAdapter, ODD_KEYS } from '../block/adapter-contract.ts'
import { memDefinition } from '../support/definitions.ts'

describeAdapter('mem', async () => {
  const adapter = createMemAdapter(memDefinition())
  return {
    adapter,
    namespace: 'mem://bucket/some/prefix' as StorageNamespace,
    oddKeys: [...ODD_KEYS, 'a//b', '/leading', 'trailing/', './dot', 'up/../down'],
    refusedKeys: [],
    nests: true,
    minimumPartBytes: 1000,
    multiPartStreamBytes: 2_000_000,
    fetch,
    close: () => adapter.close(),
  }
})
