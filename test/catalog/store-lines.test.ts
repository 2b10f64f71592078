/** Lines come out as they went in, however they are cut into parts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemAdapter } from '../../adapters/mem.ts'
import { storeLines } from '../../src/catalog/store-lines.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { memDefinition } from '../support/definitions.ts'

const place = 'mem://lines' as StorageNamespace

async function* given(lines: readonly string[], failAfter = Number.POSITIVE_INFINITY): AsyncGenerator<string> {
  for (const [at, line] of lines.entries()) {
    if (at === failAfter) throw new Error('the listing failed')
    yield line
  }
}

test('lines of any number and size, in parts of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 200 }),
      async (lines, partBytes) => {
        const adapter = createMemAdapter(memDefinition('one'))
        const location = adapter.locate(place, 'list')
        await storeLines(adapter, given(lines), () => location, partBytes)
        const { bytes } = await adapter.getTail(location, 1_000_000)
        expect(Buffer.from(bytes).toString()).toBe(lines.join('\n'))
      },
    ),
    { numRuns: 200 },
  )
})

test('no lines, no object; what fails leaves what was there', async () => {
  const adapter = createMemAdapter(memDefinition('one'))
  const location = adapter.locate(place, 'list')
  await storeLines(adapter, given([]), () => location)
  expect(await adapter.exists(location)).toBe(false)
  await storeLines(adapter, given(['before']), () => location)
  const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`)
  for (const partBytes of [10, 1000])
    await expect(storeLines(adapter, given(lines, 15), () => location, partBytes)).rejects.toThrow('the listing failed')
  const { bytes } = await adapter.getTail(location, 100)
  expect(Buffer.from(bytes).toString()).toBe('before')
})
