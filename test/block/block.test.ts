import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gatherParts, readBody } from '../../src/block/body.ts'
import { compareKeys } from '../../src/block/byte-order.ts'
import { canonicalEndpoint, fingerprint, placeOf } from '../../src/block/fingerprint.ts'
import { decodeMarker, encodeMarker, markerIdentifier } from '../../src/block/marker.ts'
import {
  canonicalInBucket,
  isFullAddress,
  joinKey,
  locateFullInBucket,
  locateInBucket,
  namespaceRules,
  overlaps,
  parseUri,
} from '../../src/block/namespace.ts'
import type { RepositoryUid, StorageId, StorageNamespace } from '../../src/model.ts'
import { localDefinition, memDefinition, r2Definition, s3Definition } from '../support/definitions.ts'

test('keys are ordered by their bytes', () => {
  const key = fc.string({ unit: 'binary', maxLength: 6 })
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
  expect(compareKeys('\uffee', '\u{1f600}')).toBeLessThan(0)
})

describe('addresses', () => {
  test('are taken apart and joined without changing a byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (path, identifier) => {
        expect(parseUri(`s3://bucket/${path}`)).toEqual({ scheme: 's3', container: 'bucket', path })
        const located = locateInBucket('s3', `s3://bucket/${path}` as StorageNamespace, identifier)
        expect(located.key).toBe(joinKey(path, identifier))
        expect(locateFullInBucket('s3', located.uri)).toEqual(located)
      }),
    )
  })
  test.each([
    ['s3://b', 'k', 'b', 'k'],
    ['s3://b/', 'k', 'b', 'k'],
    ['s3://b/p', 'k', 'b', 'p/k'],
    ['s3://b/p/', 'k', 'b', 'p/k'],
    ['s3://b/p//', 'k', 'b', 'p//k'],
    ['s3://b/p%3Aq', 'k%3A', 'b', 'p%3Aq/k%3A'],
    ['s3://b/p', '/k', 'b', 'p//k'],
    ['s3://b/p', '../k', 'b', 'p/../k'],
  ])('%s + %s', (namespace, identifier, container, key) => {
    expect(locateInBucket('s3', namespace as StorageNamespace, identifier)).toEqual({
      container,
      key,
      uri: `s3://${container}/${key}`,
    })
  })
  test('other schemes and missing buckets are refused', () => {
    for (const namespace of ['gs://b/p', 's3:/b', 's3://', 's3:///p', 'b/p', 's3://b?x/p', 's3://u@b/p']) {
      expect(() => locateInBucket('s3', namespace as StorageNamespace, 'k'), namespace).toThrow('storage namespace')
    }
    expect(locateInBucket('mem', 'memory://b' as StorageNamespace, 'k').uri).toBe('mem://b/k')
  })
  test('full addresses are told from relative ones', () => {
    for (const uri of ['s3://b/k', 'gs://b/k', 'http://h/c/k', 'https://h/c/k', 'mem://b/k', 'local:///p']) {
      expect(isFullAddress(uri)).toBe(true)
    }
    for (const uri of ['data/a/b', 'ftp://h/k', '', 's3:/b', 'data/s3://b']) expect(isFullAddress(uri)).toBe(false)
  })
})

describe('overlaps', () => {
  const place = (namespace: string) => canonicalInBucket('s3', 's3:aws', namespace)
  test.each([
    ['s3://b/a', 's3://b/a/', true],
    ['s3://b/a', 's3://b/a//', true],
    ['s3://b', 's3://b/a', true],
    ['s3://b/a', 's3://b/a/c', true],
    ['s3://b/a', 's3://b/ab', false],
    ['s3://b/a', 's3://c/a', false],
    ['s3://b/a', 's3://b/A', false],
  ])('%s %s', (a, b, expected) => {
    expect(overlaps(place(a), place(b))).toBe(expected)
    expect(overlaps(place(b), place(a))).toBe(expected)
  })
  test('equal buckets of different stores do not', () => {
    expect(overlaps(canonicalInBucket('s3', 's3:one:9000', 's3://b/a'), place('s3://b/a'))).toBe(false)
  })
})

describe('parts gathered from a stream', () => {
  test('are of one size but the last, and the source is let go when the loop stops early', async () => {
    let cancelled = 0
    const stream = (chunks: number) => {
      let left = chunks
      return new ReadableStream<Uint8Array>({
        pull: (controller) => (left-- > 0 ? controller.enqueue(Buffer.alloc(7)) : controller.close()),
        cancel: () => void cancelled++,
      })
    }
    const sizes: number[] = []
    for await (const part of gatherParts(readBody({ stream: stream(5), sizeBytes: null }), 10)) sizes.push(part.length)
    expect(sizes).toEqual([10, 10, 10, 5])
    for await (const part of gatherParts(readBody({ stream: stream(5), sizeBytes: null }), 10)) {
      expect(part).toHaveLength(10)
      break
    }
    expect(cancelled).toBe(1)
  })

  test('cancelling the reader ends the wait for a part that a slow source never fills', async () => {
    let reason: unknown
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.alloc(3)),
      pull: () => new Promise(() => undefined),
      cancel(given) {
        reason = given
      },
    })
    const reader = readBody({ stream, sizeBytes: 100 })
    const waiting = gatherParts(reader, 10).next()
    const failure = new Error('the storage refused')
    await reader.cancel(failure)
    expect(reason).toBe(failure)
    await expect(waiting).rejects.toMatchObject({ code: 'body_incomplete' })
  })
})

describe('places', () => {
  test('endpoints have one spelling', () => {
    expect(canonicalEndpoint('http://Host.Example:80/')).toBe('host.example')
    expect(canonicalEndpoint('https://host.example:443')).toBe('host.example')
    expect(canonicalEndpoint('host.example:9000')).toBe('host.example:9000')
  })
  test('credentials, regions and switches are not part of the fingerprint; endpoints and paths are', () => {
    const of = (...settings: Parameters<typeof s3Definition>) => fingerprint(placeOf(s3Definition(...settings)))
    const base = of({ endpoint: 'http://minio:9000' })
    expect(of({ endpoint: 'http://MINIO:9000/', region: 'x', credentials: null, maxRetries: 1 }, 'other')).toBe(base)
    expect(of({ endpoint: 'http://minio:9001' })).not.toBe(base)
    expect(of()).not.toBe(base)
    expect(base).toMatch(/^[0-9a-f]{64}$/)
    expect(placeOf(localDefinition('/a'))).not.toBe(placeOf(localDefinition('/b')))
    expect(placeOf(r2Definition('a'))).not.toBe(placeOf(r2Definition('b')))
  })
  test("clients are told lakeFS's patterns", () => {
    expect(namespaceRules(s3Definition())).toEqual({
      validity: '^s3://',
      example: 's3://example-bucket/',
      importValidity: '^s3://',
      defaultPrefix: null,
    })
    expect(namespaceRules(localDefinition('/x')).defaultPrefix).toBe('local://')
    expect(namespaceRules({ ...memDefinition(), defaultNamespacePrefix: 'mem://x/' }).defaultPrefix).toBe('mem://x/')
  })
})

describe('markers', () => {
  const marker = {
    installationId: 'install',
    repositoryUid: '8f14e45f-ceea-4671-9d2b-1d5c2f4a9c11' as RepositoryUid,
    storageId: '' as StorageId,
  }
  test('ours come back', () => {
    expect(decodeMarker(encodeMarker(marker))).toEqual({ kind: 'ours', ...marker })
    expect(markerIdentifier()).toBe('_lakefs/dummy')
    expect(markerIdentifier('meta')).toBe('meta/dummy')
  })
  test('whatever else is there is foreign', () => {
    const ours = JSON.parse(Buffer.from(encodeMarker(marker)).toString())
    const texts = [
      '',
      'this is dummy data - created by lakeFS to check accessibility',
      '{}',
      'null',
      '[1]',
      JSON.stringify({ ...ours, interlaken: 2 }),
      JSON.stringify({ ...ours, storage_id: 1 }),
      JSON.stringify({ ...ours, pad: 'x'.repeat(5000) }),
    ]
    for (const text of texts) expect(decodeMarker(Buffer.from(text)), text).toEqual({ kind: 'foreign' })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeMarker(bytes)).toEqual({ kind: 'foreign' })
      }),
    )
  })
})
