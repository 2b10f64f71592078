/** What every storage promises, as one suite: `test/adapters/*.test.ts` run it over each of them, `test/real/` over real stores. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BlockAdapter, GetResult, Location, PutBody } from '../../src/block/adapter.ts'
import { compareKeys } from '../../src/block/byte-order.ts'
import { DomainError, type ErrorCode } from '../../src/errors.ts'
import type { StorageNamespace } from '../../src/model.ts'

/** A storage under test. */
export interface ContractSubject {
  readonly adapter: BlockAdapter
  /** A namespace that nothing else uses. */
  readonly namespace: StorageNamespace
  /** Identifiers that are awkward and must work. */
  readonly oddKeys: readonly string[]
  /** Identifiers that must be refused, when they are located or when they are used. */
  readonly refusedKeys: readonly string[]
  /** `a` and `a/b` may both be objects: not on disks, nor on MinIO, which is one. */
  readonly nests: boolean
  /** Smallest part but the last that the store takes. */
  readonly minimumPartBytes: number
  /** A length above which bodies of unknown length go in parts. */
  readonly multiPartStreamBytes: number
  /** Sends requests to presigned URLs. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  close(): Promise<void>
}

/** Names that survive only when everything is encoded, and nothing twice. */
export const ODD_KEYS = [
  'with space',
  'plus+sign',
  'per%20cent',
  '100%',
  'a%2Fb',
  'quest?ion&amp=1#frag',
  'uni/ü/日本/😀',
  'quotes\'"()*!',
  'semi;colon:at@equals=comma,',
  'brace{}[]^`|<>~$',
  '...',
  'dots/.hidden/..twice/a..b/...',
  'back\\slash',
  'tab\tnew\nline',
]

/** The suite. */
export function describeAdapter(name: string, open: () => Promise<ContractSubject>): void {
  describe(name, () => {
    let subject: ContractSubject
    let adapter: BlockAdapter
    let count = 0

    beforeAll(async () => {
      subject = await open()
      adapter = subject.adapter
    })
    afterAll(() => subject.close())

    function at(identifier: string): Location {
      return adapter.locate(subject.namespace, identifier)
    }

    function fresh(): Location {
      return at(`fresh/${++count}`)
    }

    test('a whole object comes back, with its size, ETag and time', async () => {
      const location = fresh()
      const before = Math.floor(Date.now() / 1000)
      const body = randomBytes(1024)
      const { eTag } = await adapter.put(location, body, { unique: true, contentType: 'text/plain' })
      const got = await adapter.get(location)
      expect(await bytesOf(got)).toEqual(body)
      expect([got.sizeBytes, got.totalBytes]).toEqual([1024, 1024])
      const properties = await adapter.properties(location)
      expect(properties.sizeBytes).toBe(1024)
      expect(Math.abs(properties.lastModifiedSeconds - before)).toBeLessThan(120)
      expect(properties.eTag).not.toBe('')
      expect(properties.eTag).not.toContain('"')
      if (eTag !== null) expect(eTag).toBe(properties.eTag)
      expect(await adapter.exists(location)).toBe(true)
      await adapter.ping()
    })

    test('the caller may reuse its buffer', async () => {
      const location = fresh()
      const body = Buffer.from('before')
      await adapter.put(location, body)
      body.write('AFTER!')
      expect(text(await bytesOf(await adapter.get(location)))).toBe('before')
    })

    test('an empty object is an object', async () => {
      for (const body of [new Uint8Array(0), streamed([], 0), streamed([], null)]) {
        const location = fresh()
        await adapter.put(location, body)
        expect((await adapter.get(location)).totalBytes).toBe(0)
        expect(await bytesOf(await adapter.get(location))).toHaveLength(0)
        expect((await adapter.properties(location)).sizeBytes).toBe(0)
        expect(await adapter.getTail(location, 10)).toMatchObject({ totalBytes: 0 })
        await refused(adapter.get(location, { start: 0, end: 1 }), 'range_not_satisfiable')
      }
    })

    test('odd names are kept apart and come back as they are', async () => {
      const prefix = at('odd/')
      for (const key of subject.oddKeys) await adapter.put(at(`odd/${key}`), Buffer.from(key))
      for (const key of subject.oddKeys) {
        expect(text(await bytesOf(await adapter.get(at(`odd/${key}`))))).toBe(key)
        expect(text(await bytesOf(await adapter.get(adapter.locateFull(at(`odd/${key}`).uri))))).toBe(key)
      }
      const listed = await listAll(adapter, prefix, 5)
      expect(listed.map(({ key }) => key)).toEqual(subject.oddKeys.map((key) => at(`odd/${key}`).key).sort(compareKeys))
      for (const key of subject.oddKeys) await adapter.copy(at(`odd/${key}`), at(`copies/${key}`))
      for (const key of subject.oddKeys) {
        expect(text(await bytesOf(await adapter.get(at(`copies/${key}`))))).toBe(key)
      }
      expect(await adapter.removeMany(subject.oddKeys.map((key) => at(`odd/${key}`)))).toEqual([])
      expect(await listAll(adapter, prefix, 1000)).toEqual([])
    })

    test('names that it cannot keep are refused, never folded into others', async () => {
      for (const key of subject.refusedKeys) {
        const outcome = (async () => adapter.put(at(key), Buffer.from('x')))()
        await refused(outcome, 'address_invalid', 'storage_forbidden')
      }
      for (const namespace of ['', 'x', 'ftp://a/b', `${subject.namespace.split('://')[0]}://`]) {
        await refused((async () => adapter.locate(namespace as StorageNamespace, 'a'))(), 'namespace_invalid')
      }
      for (const uri of ['', 'relative', 'ftp://a/b']) {
        await refused((async () => adapter.locateFull(uri))(), 'address_invalid')
      }
    })

    test('ranges are cut to the object and refused past its end', async () => {
      const location = fresh()
      const body = randomBytes(1000)
      await adapter.put(location, body)
      for (const [start, end] of [
        [0, 1],
        [0, 1000],
        [999, 1000],
        [10, 20],
        [900, 5000],
      ] as const) {
        const got = await adapter.get(location, { start, end })
        expect(await bytesOf(got)).toEqual(body.subarray(start, end))
        expect([got.sizeBytes, got.totalBytes]).toEqual([Math.min(end, 1000) - start, 1000])
      }
      for (const [start, end] of [
        [1000, 1001],
        [5000, 6000],
        [5, 5],
        [6, 5],
      ] as const) {
        await refused(adapter.get(location, { start, end }), 'range_not_satisfiable')
      }
    })

    test('large objects and large ranges stream', async () => {
      const location = fresh()
      const body = randomBytes(5 * 1024 ** 2 + 7)
      await adapter.put(location, streamed(pieces(body, 300_000), body.length), { unique: true })
      const got = await adapter.get(location)
      expect(Buffer.compare(await bytesOf(got), body)).toBe(0)
      const part = await adapter.get(location, { start: 1_000_001, end: 4_000_003 })
      expect([part.sizeBytes, part.totalBytes]).toEqual([3_000_002, body.length])
      expect(Buffer.compare(await bytesOf(part), body.subarray(1_000_001, 4_000_003))).toBe(0)
      const middling = await adapter.get(location, { start: 100, end: 700_000 })
      expect(Buffer.compare(await bytesOf(middling), body.subarray(100, 700_000))).toBe(0)
      const abandoned = (await adapter.get(location)).body
      if (abandoned instanceof ReadableStream) await abandoned.cancel()
    })

    test('the tail of an object', async () => {
      const location = fresh()
      const body = randomBytes(200_000)
      await adapter.put(location, body)
      for (const bytes of [1, 53, 100_000, 200_000, 300_000]) {
        const tail = await adapter.getTail(location, bytes)
        expect(tail.totalBytes).toBe(200_000)
        expect(Buffer.compare(tail.bytes, body.subarray(Math.max(0, 200_000 - bytes)))).toBe(0)
      }
    })

    test('what is not there', async () => {
      const location = fresh()
      await refused(adapter.get(location), 'storage_not_found')
      await refused(adapter.get(location, { start: 0, end: 1 }), 'storage_not_found')
      await refused(adapter.getTail(location, 8), 'storage_not_found')
      await refused(adapter.properties(location), 'storage_not_found')
      await refused(adapter.copy(location, fresh()), 'storage_not_found')
      expect(await adapter.exists(location)).toBe(false)
      await adapter.remove(location)
      expect(await adapter.removeMany([location, fresh()])).toEqual([])
      expect(await adapter.list(at('nothing/here/'))).toEqual({ objects: [], next: null })
    })

    test('a put replaces, a copy too, a removal removes', async () => {
      const location = fresh()
      await adapter.put(location, Buffer.from('one'))
      const first = await adapter.properties(location)
      await adapter.put(location, Buffer.from('three'))
      expect(text(await bytesOf(await adapter.get(location)))).toBe('three')
      expect((await adapter.properties(location)).eTag).not.toBe(first.eTag)
      const other = fresh()
      await adapter.put(other, Buffer.from('other'))
      await adapter.copy(location, other)
      expect(text(await bytesOf(await adapter.get(other)))).toBe('three')
      await adapter.remove(location)
      expect(await adapter.exists(location)).toBe(false)
      expect(await adapter.exists(other)).toBe(true)
    })

    test('of many that put if absent, one wins', async () => {
      if (!adapter.capabilities.putIfAbsent) return
      const location = fresh()
      const racers = Array.from({ length: 8 }, (_, index) => Buffer.from(`racer ${index}`))
      const outcomes = await Promise.allSettled(racers.map((body) => adapter.put(location, body, { ifAbsent: true })))
      const winners = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : []))
      expect(winners).toHaveLength(1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') expectCode(outcome.reason, 'storage_exists')
      expect(text(await bytesOf(await adapter.get(location)))).toBe(`racer ${winners[0]}`)
    })

    test('a body that fails, falls short or runs over leaves nothing', async () => {
      const chunk = randomBytes(700_000)
      const broken = new DomainError('checksum_mismatch', 'the last chunk was withheld')
      for (const unique of [true, false]) {
        const cases: [PutBody, ErrorCode][] = [
          [streamed([chunk, chunk], 1_400_001), 'body_incomplete'],
          [streamed([chunk, chunk], 1_399_999), 'body_incomplete'],
          [streamed([chunk, new Error('the client vanished')], 1_400_000), 'body_incomplete'],
          [streamed([new Error('at once')], 1_400_000), 'body_incomplete'],
          [streamed([chunk, broken], 1_400_000), 'checksum_mismatch'],
          [streamed([chunk, broken], null), 'checksum_mismatch'],
        ]
        for (const [body, code] of cases) {
          const location = fresh()
          await refused(adapter.put(location, body, { unique }), code)
          expect(await adapter.exists(location)).toBe(false)
        }
      }
      const kept = fresh()
      await adapter.put(kept, Buffer.from('kept'))
      await refused(adapter.put(kept, streamed([chunk, broken], 1_400_000)), 'checksum_mismatch')
      expect(text(await bytesOf(await adapter.get(kept)))).toBe('kept')
      expect((await listAll(adapter, at('fresh/'), 1000)).filter(({ key }) => key.includes('.interlaken'))).toEqual([])
    })

    test('a body of unknown length, small and large, and one that fails after its first part', async () => {
      for (const size of [10, subject.multiPartStreamBytes + 12_345]) {
        const location = fresh()
        const body = randomBytes(size)
        await adapter.put(location, streamed(pieces(body, 1_000_000), null))
        expect((await adapter.properties(location)).sizeBytes).toBe(size)
        expect(Buffer.compare(await bytesOf(await adapter.get(location)), body)).toBe(0)
      }
      const location = fresh()
      const broken = streamed(
        [...pieces(randomBytes(subject.multiPartStreamBytes), 1_000_000), new Error('gone')],
        null,
      )
      await refused(adapter.put(location, broken), 'body_incomplete')
      expect(await adapter.exists(location)).toBe(false)
    })

    test('an aborted put leaves nothing', async () => {
      const location = fresh()
      const aborter = new AbortController()
      const stalled = new ReadableStream<Uint8Array>(
        {
          start: (controller) => controller.enqueue(randomBytes(10)),
          pull: () => {
            aborter.abort(new Error('given up'))
            return new Promise(() => undefined)
          },
        },
        { highWaterMark: 0 },
      )
      if (adapter.type !== 'local' && adapter.type !== 's3') return
      await refused(
        adapter.put(location, { stream: stalled, sizeBytes: 20 }, { signal: aborter.signal }),
        'body_incomplete',
      )
      expect(await adapter.exists(location)).toBe(false)
    })

    test('listing pages in byte order, from after a key, under a prefix', async () => {
      const names = ['a', 'a-b', 'a.b', 'a/1', 'a/2', 'a/b/c', 'a0', 'ab', 'b', '\ue000', '😀', 'é', 'Z']
      const usable = subject.nests ? names : names.filter((name) => name !== 'a')
      await Promise.all(usable.map((name) => adapter.put(at(`list/${name}`), Buffer.from(name), { unique: true })))
      const sorted = usable.map((name) => at(`list/${name}`).key).sort(compareKeys)
      for (const limit of [1, 3, 1000]) {
        expect((await listAll(adapter, at('list/'), limit)).map(({ key }) => key)).toEqual(sorted)
      }
      for (const after of ['a', 'a/', 'a/1', 'a/b', 'a0', 'zz']) {
        const key = at('list/').key + after
        const page = await adapter.list(at('list/'), { startAfter: key })
        expect(page.objects.map(({ location }) => location.key)).toEqual(
          sorted.filter((other) => compareKeys(other, key) > 0),
        )
      }
      for (const prefix of ['a', 'a/', 'a/b', 'c']) {
        const page = await adapter.list(at(`list/${prefix}`))
        expect(page.objects.map(({ location }) => location.key)).toEqual(
          sorted.filter((key) => key.startsWith(at(`list/${prefix}`).key)),
        )
      }
      const { objects } = await adapter.list(at('list/ab'))
      const [listed] = objects
      const properties = await adapter.properties(at('list/ab'))
      expect(listed).toMatchObject({ location: at('list/ab'), eTag: properties.eTag, sizeBytes: 2 })
    })

    test('a multipart upload joins the parts that are named, replaced ones not', async () => {
      const location = fresh()
      const { uploadId } = await adapter.createMultipart(location, { contentType: 'text/plain' })
      const big = randomBytes(subject.minimumPartBytes)
      const first = await adapter.putPart(location, uploadId, 1, streamed(pieces(big, 200_000), big.length))
      const replaced = await adapter.putPart(location, uploadId, 3, Buffer.from('replaced'))
      const left = await adapter.putPart(location, uploadId, 2, randomBytes(subject.minimumPartBytes))
      const last = await adapter.putPart(location, uploadId, 3, Buffer.from('last'))
      if (adapter.capabilities.listParts) {
        expect(await adapter.listParts(location, uploadId)).toEqual([
          { partNumber: 1, eTag: first.eTag, sizeBytes: big.length },
          { partNumber: 2, eTag: left.eTag, sizeBytes: big.length },
          { partNumber: 3, eTag: last.eTag, sizeBytes: 4 },
        ])
      }
      expect(await adapter.exists(location)).toBe(false)
      const named = [
        { partNumber: 1, eTag: first.eTag },
        { partNumber: 3, eTag: last.eTag },
      ]
      const stale = [
        { partNumber: 1, eTag: first.eTag },
        { partNumber: 3, eTag: replaced.eTag },
      ]
      await refused(adapter.completeMultipart(location, uploadId, stale), 'invalid_argument')
      await refused(
        adapter.completeMultipart(location, uploadId, [...named, { partNumber: 4, eTag: last.eTag }]),
        'invalid_argument',
      )
      await refused(adapter.completeMultipart(location, uploadId, []), 'invalid_argument')
      expect(await adapter.exists(location)).toBe(false)
      const { sizeBytes, eTag } = await adapter.completeMultipart(location, uploadId, named)
      expect(sizeBytes).toBe(big.length + 4)
      const properties = await adapter.properties(location)
      if (eTag !== null) expect(eTag).toBe(properties.eTag)
      const whole = Buffer.concat([big, Buffer.from('last')])
      expect(Buffer.compare(await bytesOf(await adapter.get(location)), whole)).toBe(0)
    })

    test('a part that fails is no part, an aborted upload is no upload', async () => {
      const location = fresh()
      const { uploadId } = await adapter.createMultipart(location)
      const short = streamed([randomBytes(1_200_000)], 1_300_000)
      await refused(adapter.putPart(location, uploadId, 1, short), 'body_incomplete')
      if (adapter.capabilities.listParts) expect(await adapter.listParts(location, uploadId)).toEqual([])
      await refused(adapter.putPart(location, uploadId, 0, Buffer.from('x')), 'invalid_argument')
      await refused(adapter.putPart(location, uploadId, 10_001, Buffer.from('x')), 'invalid_argument')
      const { eTag } = await adapter.putPart(location, uploadId, 1, Buffer.from('x'))
      await adapter.abortMultipart(location, uploadId)
      await refused(adapter.putPart(location, uploadId, 2, Buffer.from('x')), 'storage_not_found')
      await refused(adapter.completeMultipart(location, uploadId, [{ partNumber: 1, eTag }]), 'storage_not_found')
      if (adapter.capabilities.listParts) await refused(adapter.listParts(location, uploadId), 'storage_not_found')
      expect(await adapter.exists(location)).toBe(false)
    })

    test('an upload belongs to its object', async () => {
      if (!adapter.capabilities.listParts) return
      const { uploadId } = await adapter.createMultipart(fresh())
      await refused(adapter.putPart(fresh(), uploadId, 1, Buffer.from('x')), 'storage_not_found')
      await refused(adapter.putPart(fresh(), '../escape', 1, Buffer.from('x')), 'storage_not_found', 'address_invalid')
    })

    test('presigned URLs work with a plain fetch, or are refused', async () => {
      const location = at('presigned/ü + %.txt')
      if (!adapter.capabilities.presign) {
        await refused(adapter.presign(location, 'GET'), 'storage_unsupported')
        await refused(adapter.presignPart(location, 'id', 1), 'storage_unsupported')
        return
      }
      const put = await adapter.presign(location, 'PUT')
      expect(put.expiresAtSeconds).toBeGreaterThan(Date.now() / 1000)
      expect((await subject.fetch(put.url, { method: 'PUT', body: 'by url' })).status).toBe(200)
      expect(text(await bytesOf(await adapter.get(location)))).toBe('by url')
      const get = await adapter.presign(location, 'GET', { downloadName: 'naïve "name".txt' })
      const answer = await subject.fetch(get.url)
      expect(await answer.text()).toBe('by url')
      expect(answer.headers.get('content-disposition')).toContain("filename*=UTF-8''na%C3%AFve")
      expect((await subject.fetch(get.url.replace(/.$/, (c) => (c === '0' ? '1' : '0')))).status).toBe(403)
      if (!adapter.capabilities.presignMultipart) return
      const { uploadId } = await adapter.createMultipart(location)
      const part = await adapter.presignPart(location, uploadId, 1)
      const sent = await subject.fetch(part.url, { method: 'PUT', body: 'part by url' })
      const eTag = (sent.headers.get('etag') ?? '').replaceAll('"', '')
      await adapter.completeMultipart(location, uploadId, [{ partNumber: 1, eTag }])
      expect(text(await bytesOf(await adapter.get(location)))).toBe('part by url')
    })

    test('a namespace has one canonical place, however it is written', () => {
      const { namespace } = subject
      expect(adapter.canonicalNamespace(`${namespace}/` as StorageNamespace)).toEqual(
        adapter.canonicalNamespace(namespace),
      )
      const deeper = adapter.canonicalNamespace(`${namespace}/deeper` as StorageNamespace)
      expect(deeper.slice(0, -1)).toEqual(adapter.canonicalNamespace(namespace))
      expect(namespace).toMatch(new RegExp(adapter.rules.validity))
      expect(adapter.locate(`${namespace}/` as StorageNamespace, 'x')).toEqual(at('x'))
    })
  })
}

/** A stream of chunks; an Error among them is what it fails with. */
export function streamed(chunks: readonly (Uint8Array | Error)[], sizeBytes: number | null): PutBody {
  let next = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[next++]
      if (chunk === undefined) controller.close()
      else if (chunk instanceof Error) controller.error(chunk)
      else controller.enqueue(chunk)
    },
  })
  return { stream, sizeBytes }
}

function pieces(body: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
    body.subarray(index * size, (index + 1) * size),
  )
}

/** All bytes of an answer, whatever kind of body it has. */
export async function bytesOf({ body, sizeBytes }: GetResult): Promise<Buffer> {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer())
  expect(bytes.length).toBe(sizeBytes)
  return Buffer.from(bytes)
}

function text(bytes: Buffer): string {
  return bytes.toString()
}

async function listAll(adapter: BlockAdapter, prefix: Location, limit: number): Promise<Location[]> {
  const found: Location[] = []
  for (let next: string | null = null; ; ) {
    const page = await adapter.list(prefix, next === null ? { limit } : { limit, next })
    expect(page.objects.length).toBeLessThanOrEqual(limit)
    found.push(...page.objects.map(({ location }) => location))
    if (page.next === null) return found
    next = page.next
  }
}

/** The promise fails with one of these codes. */
export async function refused(outcome: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> {
  const error = await outcome.then(
    (value) => new Error(`expected ${codes.join(' or ')}, got ${JSON.stringify(value)}`),
    (failure: unknown) => failure,
  )
  expectCode(error, ...codes)
}

function expectCode(error: unknown, ...codes: ErrorCode[]): void {
  if (!(error instanceof DomainError)) throw error
  expect(codes, error.message).toContain(error.code)
}
