import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeEntry, encodeEntry, recordIdentity } from '../../src/committed/entry.ts'
import { frameRecord, parseFrame } from '../../src/committed/framing.ts'
import { commitId, commitPreimage, entryIdentity, entryPreimage } from '../../src/committed/identity.ts'
import { MessageWriter } from '../../src/committed/protobuf.ts'
import { decodeRange, encodeRange } from '../../src/committed/range-data.ts'
import { decodeCommit, decodeRef, encodeCommit, encodeRef } from '../../src/committed/refs-data.ts'
import type { CommitId, MetaRangeId } from '../../src/model.ts'
import { fixtureJson, fixtureTables, goldenRepositories } from '../support/fixtures.ts'
import { goldenCommits } from '../support/golden-repository.ts'
import { fakeCommit } from '../support/repository.ts'
import { readTable } from '../support/table-records.ts'

interface EntryVector {
  readonly address: string
  readonly address_type: number
  readonly size: number
  readonly e_tag: string
  readonly content_type: string
  readonly metadata: Record<string, string>
  readonly last_modified: readonly [number, number]
  readonly identity_preimage_hex: string
  readonly identity: string
  readonly record_hex: string
}

describe.each(goldenRepositories)('records that lakeFS wrote: %s', (name) => {
  test('entry vectors are read, their identities computed, and written again', () => {
    const { entries } = fixtureJson<{ entries: EntryVector[] }>(name, 'expected/entry-vectors.json')
    expect(entries.length).toBeGreaterThan(20)
    for (const vector of entries) {
      const record = Buffer.from(vector.record_hex, 'hex')
      const entry = decodeEntry(record)
      expect(entry).toEqual({
        address: vector.address,
        addressType: ['legacy', 'relative', 'full'][vector.address_type],
        lastModified: { seconds: vector.last_modified[0], nanos: vector.last_modified[1] },
        sizeBytes: vector.size,
        eTag: vector.e_tag,
        contentType: vector.content_type,
        metadata: vector.metadata,
      })
      expect(entryPreimage(entry).preimage().toString('hex')).toBe(vector.identity_preimage_hex)
      expect(entryIdentity(entry).toString('hex')).toBe(vector.identity)
      // lakeFS writes maps in random order: only one key makes the bytes comparable.
      if (Object.keys(entry.metadata).length < 2) expect(encodeEntry(entry).toString('hex')).toBe(vector.record_hex)
      else expect(decodeEntry(encodeEntry(entry))).toEqual(entry)
    }
  })

  test('every record of every table is read and written again', () => {
    let entries = 0
    const different: string[] = []
    let ranges = 0
    let refs = 0
    for (const bytes of fixtureTables(name).values()) {
      const { layout, records } = readTable(bytes)
      const entity = layout.properties.get('entity')?.toString()
      const isMetaRange = layout.properties.get('type')?.toString() === 'metaranges'
      for (const [key, value] of records) {
        if (isMetaRange) {
          const range = decodeRange(value)
          expect(encodeRange(range.id, range)).toEqual(value)
          expect(range.maxKey).toEqual(key)
          ranges++
        } else if (entity === undefined) {
          const entry = decodeEntry(value)
          const again = encodeEntry(entry)
          const same = Object.keys(entry.metadata).length < 2 ? again.equals(value) : again.length === value.length
          if (!same || !recordIdentity(value).equals(entryIdentity(entry))) different.push(key.toString())
          entries++
        } else if (entity === 'commit') {
          const commit = decodeCommit(value)
          expect(commit.id).toBe(key.toString())
          expect(commitId(commit)).toBe(commit.id)
          if (Object.keys(commit.metadata).length < 2) expect(encodeCommit(commit)).toEqual(value)
          else expect(decodeCommit(encodeCommit(commit))).toEqual(commit)
          refs++
        } else {
          const ref = decodeRef(value)
          expect(ref.name).toBe(key.toString())
          expect(encodeRef(ref)).toEqual(value)
          refs++
        }
      }
    }
    expect(different).toEqual([])
    expect(entries).toBeGreaterThan(1000)
    expect(ranges).toBeGreaterThan(10)
    expect(refs).toBeGreaterThan(5)
  })

  test('commit ids and their preimages', () => {
    for (const golden of goldenCommits(name)) {
      const commit = {
        ...golden,
        metaRangeId: golden.meta_range_id,
        parents: golden.parents as readonly CommitId[],
        creationDate: { seconds: golden.creation_date, nanos: golden.creation_nanos },
      }
      expect(commitPreimage(commit).preimage().toString('hex')).toBe(golden.preimage_hex)
      expect(commitId(commit)).toBe(golden.id)
    }
  })
})

describe('worked examples of the format', () => {
  const metaRange = (text: string) => text as MetaRangeId
  const parents = (...ids: string[]) => ids as CommitId[]
  test.each([
    [
      'f1a106bbeb12d3eb54418d6000f4507501d289d0d0879dcce6f4d31425587df1',
      {
        committer: 'some-committer',
        message: 'I just committed',
        metaRangeId: metaRange('123456789987654321'),
        creationDate: { seconds: 1611501012, nanos: 0 },
        metadata: { sdkafjnb: '1234', sdkjvcnbkjndsc: 'asnjkdl' },
        parents: parents('132456987153687sdfsdf', '1324569csfvdkjhcsdkjc'),
      },
    ],
    [
      '0c5f9d6fde638a6aa82840caf2485bdbe6ad0fc3f220ea88884df9ed99d7cf19',
      {
        committer: 'Committer',
        message: 'message',
        metaRangeId: metaRange('metarangeId'),
        creationDate: { seconds: 1000000000, nanos: 0 },
        metadata: { key: 'value' },
        parents: parents('parent1', 'parent2'),
      },
    ],
    [
      '2277b5abd2d3ba6b4d35c48a0e358b0c4bcf5cd6d891c67437fb4c4af0d2fd4b',
      {
        committer: 'user1',
        message: 'message1',
        metaRangeId: metaRange('deadbeef123'),
        creationDate: { seconds: -62135596800, nanos: 0 },
        metadata: { foo: 'bar' },
        parents: parents('deadbeef1', 'deadbeef12'),
      },
    ],
    [
      'e7720703b5e19f0c37c665b0bf14fc291522d882cd951d854edb8b1f1c33689d',
      {
        committer: '',
        message: 'Repository created',
        metaRangeId: metaRange(''),
        creationDate: { seconds: 1700000000, nanos: 5 },
        metadata: {},
        parents: parents(),
      },
    ],
  ])('commit %s', (id, commit) => expect(commitId(commit)).toBe(id))

  test('a chain of twenty commits', () => {
    let previous: CommitId[] = []
    const ids = Array.from({ length: 20 }, (_, i) => {
      const id = commitId({
        committer: 'user1',
        message: 'message1',
        metaRangeId: metaRange('deadbeef123'),
        creationDate: { seconds: 1606834800 + i, nanos: 0 },
        metadata: { foo: 'bar' },
        parents: previous,
      })
      previous = [id]
      return id
    })
    expect(ids[0]).toBe('fac53a04432b2e6e7185f3ac8314a874c556b2557adf3aa8d5b1df985cf96566')
    expect(ids[1]).toBe('ebbd689937253304ae29a541a727bfd11ab59a5659bb293e8ab2ed407c9a74c1')
    expect(ids[19]).toBe('663b7520a2a05aaeed17de6136fa80eb5cd8417982011eb551230571ee412f2f')
  })

  const entry = {
    address: 'data/gj2ab9l4d0qs73f2h1ng/cl9nbt1a3q9g00f2h1n0',
    addressType: 'relative' as const,
    lastModified: { seconds: 1700000000, nanos: 123456789 },
    sizeBytes: 5,
    eTag: '5d41402abc4b2a76b9719d911017c592',
    metadata: { b: '2', a: '1' },
    contentType: 'text/plain',
  }

  test('entry identity and record', () => {
    const bare = { sizeBytes: 11, eTag: '664c688b4ea9c56730daacfc3d70aeed', metadata: {}, contentType: '' }
    expect(entryIdentity(bare).toString('hex')).toBe('56fef3921aa6e7fd62bbe23b2f69db3f9049a54b6f2c7bd886b7eb1a6ca3ab3e')
    const record = encodeEntry(entry).toString('hex')
    expect(record.startsWith('4073d3c863c1b9e9bf846b3869cc1ad4b3000c75f5f1fe0447cc45132f8dbd1c3cfe010a2e')).toBe(true)
    expect(record.endsWith('2a060a01611201312a060a016212013230013a0a746578742f706c61696e')).toBe(true)
    expect(createHash('sha256').update(encodeEntry(entry).subarray(0, 33)).digest('hex')).toHaveLength(64)
  })

  test('a foreign storage id travels in an unknown field and leaves the identity alone', () => {
    const foreign = { ...entry, storageId: 'other' as never }
    expect(decodeEntry(encodeEntry(foreign))).toEqual(foreign)
    expect(recordIdentity(encodeEntry(foreign))).toEqual(recordIdentity(encodeEntry(entry)))
    expect(encodeEntry(foreign).subarray(-8).toString('hex')).toBe(`ca3e05${Buffer.from('other').toString('hex')}`)
  })

  test('fields of later versions come along and are written back behind the known ones', () => {
    const later = new MessageWriter().text(1002, 'later').int(1003, -1).timestamp(9, { seconds: 1, nanos: 2 }).finish()
    const fixed = Buffer.from([0x51, 1, 2, 3, 4, 5, 6, 7, 8, 0x5d, 1, 2, 3, 4])
    for (const unknown of [later, fixed, Buffer.concat([fixed, later])]) {
      const foreign = { ...entry, storageId: 'other' as never, unknown }
      const record = encodeEntry(foreign)
      expect(decodeEntry(record)).toEqual(foreign)
      expect(record.subarray(-unknown.length)).toEqual(unknown)
      expect(encodeEntry(decodeEntry(record))).toEqual(record)
      const changed = encodeEntry({ ...decodeEntry(record), metadata: { c: '3' } })
      expect(decodeEntry(changed)).toEqual({ ...foreign, metadata: { c: '3' } })
      expect(recordIdentity(record)).toEqual(recordIdentity(encodeEntry(entry)))
    }
    const first = new MessageWriter().text(1002, 'before the known').text(1, 'data/x').finish()
    const kept = decodeEntry(frameRecord(Buffer.alloc(32), first))
    expect(kept.unknown).toEqual(new MessageWriter().text(1002, 'before the known').finish())
    expect(kept.address).toBe('data/x')
    expect('unknown' in decodeEntry(encodeEntry(entry))).toBe(false)
  })

  test('a metadata key named __proto__ is a key in every record', () => {
    const metadata = JSON.parse('{"__proto__": "kept", "constructor": "too"}') as Record<string, string>
    for (const decoded of [
      decodeEntry(encodeEntry({ ...entry, metadata })).metadata,
      decodeCommit(encodeCommit({ ...fakeCommit(), metadata })).metadata,
    ]) {
      expect(JSON.stringify(decoded)).toBe('{"__proto__":"kept","constructor":"too"}')
      expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    }
  })

  test('negative times, sizes beyond 32 bits and awkward metadata survive', () => {
    const odd = {
      ...entry,
      lastModified: { seconds: -62135596801, nanos: 999_999_999 },
      sizeBytes: 2 ** 53 - 1,
      metadata: { __proto__x: '', '\u{1F600}': 'after', '\uFFFD': 'before', '': 'empty' },
    }
    expect(decodeEntry(encodeEntry(odd))).toEqual(odd)
    const proto = JSON.parse('{"__proto__": "kept"}') as Record<string, string>
    expect(Object.keys(decodeEntry(encodeEntry({ ...entry, metadata: proto })).metadata)).toEqual(['__proto__'])
  })

  test('malformed frames are corrupt, never a crash', () => {
    for (const hex of ['', '40', '4000', '01', '0002', '80', 'ffffffffff01', '06666f6f', '8000']) {
      expect(() => parseFrame(Buffer.from(hex, 'hex')), hex).toThrow(expect.objectContaining({ code: 'corrupt' }))
    }
    expect(parseFrame(Buffer.from('06666f6f00', 'hex'))).toEqual({
      identityStart: 1,
      identityEnd: 4,
      dataStart: 5,
      dataEnd: 5,
    })
  })
})
