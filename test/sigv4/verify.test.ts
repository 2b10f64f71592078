import { AwsV4Signer } from 'aws4fetch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonicalPath,
  canonicalQuery,
  canonicalRequest,
  encodeRfc3986,
  type WireRequest,
} from '../../src/sigv4/canonical.ts'
import { presignUrl } from '../../src/sigv4/presign.ts'
import { parseTimestamp } from '../../src/sigv4/signing.ts'
import { checkSignature, isFailure, isSigV4, parseSignature, type SigV4Failure } from '../../src/sigv4/verify.ts'

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE'
const NOW = parseTimestamp('20130524T000000Z') ?? Number.NaN
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function wire(method: string, target: string, headers: Record<string, string>): WireRequest {
  const at = target.indexOf('?')
  return {
    method,
    rawPath: at === -1 ? target : target.slice(0, at),
    rawQuery: at === -1 ? '' : target.slice(at + 1),
    header: (name) => headers[name] ?? null,
  }
}

function verify(request: WireRequest, secret = SECRET, nowMs = NOW): SigV4Failure | null {
  const claimed = parseSignature(request)
  return isFailure(claimed) ? claimed : checkSignature(request, claimed, secret, nowMs)
}

function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`
}

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const base = {
  host: 'examplebucket.s3.amazonaws.com',
  'x-amz-content-sha256': EMPTY_SHA256,
  'x-amz-date': '20130524T000000Z',
}
const published: [string, WireRequest][] = [
  [
    'GET with a range',
    wire('GET', '/test.txt', {
      ...base,
      range: 'bytes=0-9',
      authorization: authorization(
        'host;range;x-amz-content-sha256;x-amz-date',
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
    }),
  ],
  [
    'PUT of an object whose name needs encoding',
    wire('PUT', '/test$file.text', {
      ...base,
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      authorization: authorization(
        'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      ),
    }),
  ],
  [
    'GET of a sub-resource',
    wire('GET', '/?lifecycle', {
      ...base,
      authorization: authorization(
        'host;x-amz-content-sha256;x-amz-date',
        'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
      ),
    }),
  ],
  [
    'listing',
    wire('GET', '/?max-keys=2&prefix=J', {
      ...base,
      authorization: authorization(
        'host;x-amz-content-sha256;x-amz-date',
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ),
    }),
  ],
  [
    'presigned GET',
    wire(
      'GET',
      `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${ACCESS_KEY}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`,
      { host: 'examplebucket.s3.amazonaws.com' },
    ),
  ],
]

describe("AWS's published examples", () => {
  test.each(published)('%s', (_, request) => {
    expect(isSigV4(request)).toBe(true)
    expect(verify(request)).toBeNull()
    expect(verify(request, `${SECRET}x`)?.code).toBe('SignatureDoesNotMatch')
    expect(verify({ ...request, method: 'DELETE' })?.code).toBe('SignatureDoesNotMatch')
    expect(verify({ ...request, rawPath: `${request.rawPath}x` })?.code).toBe('SignatureDoesNotMatch')
  })
})

describe('time', () => {
  const [, header] = published[0] ?? []
  const [, presigned] = published[4] ?? []
  test('a signed header lives fifteen minutes either way', () => {
    if (header === undefined) throw new Error('no example')
    expect(verify(header, SECRET, NOW + 15 * 60_000)).toBeNull()
    expect(verify(header, SECRET, NOW + 15 * 60_000 + 1)?.code).toBe('RequestTimeTooSkewed')
    expect(verify(header, SECRET, NOW - 15 * 60_000 - 1)?.code).toBe('AccessDenied')
  })
  test('a presigned URL lives until its expiry', () => {
    if (presigned === undefined) throw new Error('no example')
    expect(verify(presigned, SECRET, NOW + 86_400_000)).toBeNull()
    expect(verify(presigned, SECRET, NOW + 86_400_001)?.message).toBe('Request has expired')
    expect(verify(presigned, SECRET, NOW - 15 * 60_000 - 1)?.message).toBe('Request is not valid yet')
  })
})

describe('malformed', () => {
  const query = (change: (query: URLSearchParams) => void) => {
    const url = new URL(
      presignUrl({
        method: 'GET',
        origin: 'http://h',
        path: '/b/k',
        query: [],
        accessKeyId: ACCESS_KEY,
        secretAccessKey: SECRET,
        region: 'us-east-1',
        expiresSeconds: 60,
        nowMs: NOW,
      }),
    )
    change(url.searchParams)
    return verify(wire('GET', url.pathname + url.search, { host: 'h' }))?.code ?? null
  }
  test.each([
    ['untouched', () => undefined, null],
    [
      'another algorithm',
      (q: URLSearchParams) => q.set('X-Amz-Algorithm', 'AWS4'),
      'AuthorizationQueryParametersError',
    ],
    ['no signature', (q: URLSearchParams) => q.delete('X-Amz-Signature'), 'MissingFields'],
    ['no expiry', (q: URLSearchParams) => q.delete('X-Amz-Expires'), 'MissingFields'],
    ['eight days', (q: URLSearchParams) => q.set('X-Amz-Expires', '691200'), 'AuthorizationQueryParametersError'],
    ['negative expiry', (q: URLSearchParams) => q.set('X-Amz-Expires', '-1'), 'AuthorizationQueryParametersError'],
    ['longer expiry', (q: URLSearchParams) => q.set('X-Amz-Expires', '61'), 'SignatureDoesNotMatch'],
    ['bad scope', (q: URLSearchParams) => q.set('X-Amz-Credential', 'x'), 'AuthorizationQueryParametersError'],
    [
      'date of another day',
      (q: URLSearchParams) => q.set('X-Amz-Date', '20130525T000000Z'),
      'AuthorizationQueryParametersError',
    ],
    ['no date', (q: URLSearchParams) => q.set('X-Amz-Date', 'yesterday'), 'MalformedDate'],
    [
      'host not signed',
      (q: URLSearchParams) => q.set('X-Amz-SignedHeaders', 'range'),
      'AuthorizationQueryParametersError',
    ],
    ['parameter added', (q: URLSearchParams) => q.set('versionId', '1'), 'SignatureDoesNotMatch'],
  ])('%s', (_, change, code) => {
    expect(query(change)).toBe(code)
  })
  test('only blanks and tabs of a header’s value are made one: latin-1’s A0 and other bytes stay', () => {
    for (const [sent, signed] of [
      [' \t a \t b  ', 'a b'],
      ['\xa0a\xa0\xa0b\xa0', '\xa0a\xa0\xa0b\xa0'],
      ['\xa0 \xa0', '\xa0 \xa0'],
      ['\v\f\x85', '\v\f\x85'],
      ['  ', ''],
    ] as const) {
      const request = wire('GET', '/', { 'x-amz-meta-a': sent })
      expect(canonicalRequest(request, ['x-amz-meta-a'], EMPTY_SHA256, null).split('\n')[3]).toBe(
        `x-amz-meta-a:${signed}`,
      )
    }
  })

  test('headers', () => {
    expect(verify(wire('GET', '/', {}))?.code).toBe('MissingFields')
    expect(verify(wire('GET', '/', { authorization: 'AWS4-HMAC-SHA256 x' }))?.code).toBe('AuthorizationHeaderMalformed')
    const signed = { host: 'h', authorization: authorization('host', '0'.repeat(64)) }
    expect(verify(wire('GET', '/', signed))?.code).toBe('AccessDenied')
    const dated = { ...signed, date: 'Fri, 24 May 2013 00:00:00 GMT' }
    expect(verify(wire('GET', '/', dated))?.code).toBe('MalformedDate')
  })
})

const text = fc.string({ unit: 'binary', maxLength: 20 })

test('canonical forms do not depend on how much the sender encoded', () => {
  fc.assert(
    fc.property(text, (name) => {
      const everything = [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      const own = encodeRfc3986(name, true)
      expect(canonicalPath(`/${everything}`)).toBe(`/${own}`)
      expect(canonicalPath(`/${own}`)).toBe(`/${own}`)
      expect(canonicalQuery(`a=${everything}`, null)).toBe(`a=${encodeRfc3986(name, false)}`)
    }),
  )
  expect(canonicalPath('/a+b/%zz/%ff//./../%2F')).toBe('/a%2Bb/%25zz/%FF//./..//')
  expect(canonicalQuery('b&a=2&a=1&c=x+y&&', null)).toBe('a=1&a=2&b=&c=x%20y')
})

test('headers signed by aws4fetch verify, and any change to the path does not', async () => {
  await fc.assert(
    fc.asyncProperty(text, text, fc.constantFrom('GET', 'PUT', 'DELETE'), async (key, value, method) => {
      const url = `http://localhost:9000/bucket/k${encodeRfc3986(key, false)}?prefix=${encodeRfc3986(value, false)}`
      const signer = new AwsV4Signer({
        method,
        url,
        headers: { 'x-amz-meta-a': 'a  b' },
        accessKeyId: ACCESS_KEY,
        secretAccessKey: SECRET,
        service: 's3',
        region: 'eu-west-1',
        datetime: '20130524T000000Z',
      })
      const signed = await signer.sign()
      const headers: Record<string, string> = { host: 'localhost:9000' }
      signed.headers.forEach((header, name) => {
        headers[name] = header
      })
      const request = wire(method, url.slice('http://localhost:9000'.length), headers)
      expect(verify(request)).toBeNull()
      expect(verify({ ...request, rawPath: `${request.rawPath}%20` })?.code).toBe('SignatureDoesNotMatch')
    }),
  )
})

test('our presigned URLs carry the signature that aws4fetch computes', async () => {
  await fc.assert(
    fc.asyncProperty(text, text, async (key, value) => {
      const path = `/bucket/k${Buffer.from(key).toString()}`
      const ours = presignUrl({
        method: 'GET',
        origin: 'https://s3.example.com',
        path,
        query: [['response-content-disposition', value]],
        accessKeyId: ACCESS_KEY,
        secretAccessKey: SECRET,
        region: 'us-east-1',
        expiresSeconds: 900,
        nowMs: NOW,
      })
      const { rawPath, rawQuery } = wire('GET', ours.slice('https://s3.example.com'.length), {})
      expect(
        verify({ method: 'GET', rawPath, rawQuery, header: (name) => (name === 'host' ? 's3.example.com' : null) }),
      ).toBeNull()
      const unsigned = `https://s3.example.com${encodeRfc3986(path, false).replaceAll('%2F', '/')}?response-content-disposition=${encodeRfc3986(value, false)}&X-Amz-Expires=900`
      const signer = new AwsV4Signer({
        method: 'GET',
        url: unsigned,
        accessKeyId: ACCESS_KEY,
        secretAccessKey: SECRET,
        service: 's3',
        region: 'us-east-1',
        datetime: '20130524T000000Z',
        signQuery: true,
      })
      const theirs = (await signer.sign()).url.searchParams.get('X-Amz-Signature')
      expect(new URLSearchParams(rawQuery).get('X-Amz-Signature')).toBe(theirs)
    }),
  )
})
