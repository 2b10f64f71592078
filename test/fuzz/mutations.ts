/** What is done to good requests. Each mutation knows what it broke. */
import { bodyOf, type Draft } from './draft.ts'
import { mutateJson } from './mutate-json.ts'
import { brokenJson, deepJson, headerValues, nastyEncoded } from './nasty.ts'
import { operations, type Parameter } from './operations.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Changes the draft; false when there is nothing of its kind to change. */
export type Mutation = (draft: Draft, random: Random, world: World) => boolean

const MALFORMED = /%(?![0-9a-fA-F]{2})/

function parameterOf(draft: Draft, place: Parameter['in'], random: Random): Parameter | null {
  const known = draft.operation.parameters.filter((parameter) => parameter.in === place)
  return known.length === 0 ? null : random.pick(known)
}

function pathValue(draft: Draft, random: Random): boolean {
  const parameter = parameterOf(draft, 'path', random)
  if (parameter === null) return false
  const value = random.oneIn(8) ? '' : nastyEncoded(random)
  draft.path.set(parameter.name, value)
  // Dots are resolved, and slashes cut, on the way or by the router: it may be another path then.
  const rerouted = value === '' || value.includes('/') || /^(\.|%2e){1,2}$/i.test(value)
  if (!rerouted) draft.expect = { kind: 'bad', field: parameter.name, certain: MALFORMED.test(value) }
  draft.story.push(`path ${parameter.name} = ${short(value)}`)
  return true
}

function queryValue(draft: Draft, random: Random): boolean {
  const parameter = parameterOf(draft, 'query', random)
  if (parameter === null) return false
  const { name, schema, required = false, allowEmptyValue = false } = parameter
  const value = random.oneIn(8) ? '' : nastyEncoded(random)
  const empty = value === '' && !allowEmptyValue
  draft.query = [...draft.query.filter(([other]) => other !== name), [name, value]]
  const certain = (empty && required) || (name === 'amount' && !/^(-1|0)$/.test(value))
  draft.expect = { kind: 'bad', field: name, certain: certain || (required && MALFORMED.test(value)) }
  draft.story.push(`query ${name} (${schema.type}) = ${short(value)}`)
  return true
}

function queryMissing(draft: Draft, random: Random): boolean {
  const parameter = parameterOf(draft, 'query', random)
  if (parameter === null) return false
  const { name, required = false } = parameter
  draft.query = draft.query.filter(([other]) => other !== name)
  draft.expect = { kind: 'bad', field: name, certain: required }
  draft.story.push(`query ${name} left out`)
  return true
}

function queryOdd(draft: Draft, random: Random): boolean {
  const many = Array.from({ length: 2000 }, (_, at): [string, string] => [`q${at}`, String(at)])
  const extra = random.pick<[string, string][]>([
    [['unknown', nastyEncoded(random)]],
    [[nastyEncoded(random), 'x']],
    draft.query.slice(0, 1),
    [['amount', '5']],
    [
      ['amount', '5'],
      ['amount', '-7'],
    ],
    [['__proto__', 'x']],
    [['&&==&', '&=']],
    many,
  ])
  draft.query.push(...extra)
  draft.story.push(`query with ${extra.length === many.length ? 'many' : short(JSON.stringify(extra))} more`)
  return true
}

function hugeQuery(draft: Draft, random: Random): boolean {
  const [name] = random.pick([...draft.query, ['after', '']])
  draft.query.push([name ?? '', 'z'.repeat(random.pick([1025, 4000, 12_000]))])
  draft.story.push(`query ${name} very long`)
  return true
}

function wrongMethod(draft: Draft, random: Random): boolean {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']
  // What a path names is there for other cases too: the values of those that delete are others.
  const deletes = operations.some(({ path, method }) => method === 'DELETE' && path === draft.operation.path)
  draft.method = random.pick(deletes ? methods : [...methods, 'DELETE'])
  draft.story.push(`method ${draft.method}`)
  return true
}

function header(draft: Draft, random: Random): boolean {
  const names = ['Range', 'If-Match', 'If-None-Match', 'If-Range', 'If-Modified-Since', 'Cookie', 'X-Lakefs-Client']
  const more = ['X-Forwarded-For', 'Accept', 'Accept-Encoding', 'Content-Encoding', 'Content-MD5', 'X-Request-ID']
  const meta = ['x-lakefs-meta-a', 'x-lakefs-meta-', 'x-lakefs-meta-__proto__', 'x-lakefs-internal-x', 'X-Amz-Meta-x']
  const name = random.pick([...names, ...more, ...meta])
  const value = random.pick([...headerValues, 'gzip', '%%%', '=?utf-8?B?////?='])
  draft.headers.push([name, value])
  const known = draft.operation.parameters.some((parameter) => parameter.in === 'header' && parameter.name === name)
  if (known) draft.expect = { kind: 'bad', field: name, certain: false }
  draft.story.push(`header ${name}: ${short(value)}`)
  return true
}

function manyHeaders(draft: Draft, random: Random): boolean {
  const [prefix, count] = random.pick<[string, number]>([
    ['x-lakefs-meta-', 60],
    ['x-filler-', 60],
  ])
  for (let at = 0; at < count; at++) draft.headers.push([`${prefix}${at}`, 'v'.repeat(100)])
  draft.story.push(`${count} headers ${prefix}*`)
  return true
}

const STRANGERS = (world: World): [string, string][] => [
  ['Authorization', 'Basic'],
  ['Authorization', 'Basic !!!!'],
  ['Authorization', `Basic ${btoa('AKIAJNOBODYNOBODYNOQ:secret')}`],
  ['Authorization', `Basic ${btoa('no colon')}`],
  ['Authorization', `Basic ${btoa('\0:\0')}`],
  ['Authorization', `Basic ${btoa('\xff\xfe:\xff')}`],
  ['Authorization', `${world.authorization}AA`],
  ['Authorization', 'Bearer'],
  ['Authorization', 'Bearer garbage'],
  ['Authorization', 'Bearer a.b.c'],
  ['Authorization', `Bearer ${world.session.slice(0, -4)}AAAA`],
  ['Authorization', `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"sub":"admin"}')}.`],
  ['Authorization', `Bearer ${'x'.repeat(8000)}`],
  ['Authorization', 'Digest username="x"'],
  ['Authorization', '\xff\xfe'],
  ['Cookie', 'internal_auth_session=garbage'],
  ['Cookie', `internal_auth_session=${world.session.slice(0, -4)}AAAA`],
  ['Cookie', 'internal_auth_session="'],
  ['Cookie', '=;;=;\xff'],
]

function credentials(draft: Draft, random: Random, world: World): boolean {
  const shown = random.pick([null, ...STRANGERS(world)])
  draft.headers = draft.headers.filter(([name]) => name !== 'Authorization')
  if (shown !== null) draft.headers.push(shown)
  draft.expect = { kind: 'stranger' }
  draft.story.push(`credentials ${short(shown?.join(': ') ?? 'none')}`)
  return true
}

function session(draft: Draft, random: Random, world: World): boolean {
  draft.headers = draft.headers.filter(([name]) => name !== 'Authorization')
  const asCookie = random.oneIn(2)
  draft.headers.push(
    asCookie ? ['Cookie', `internal_auth_session=${world.session}`] : ['Authorization', `Bearer ${world.session}`],
  )
  draft.story.push('with a session')
  return true
}

function contentType(draft: Draft, random: Random): boolean {
  if (draft.body === null) return false
  const types = ['text/plain', 'application/xml', '', ';', 'application/json; charset=utf-16', 'application/jsonx']
  const forms = [
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=other',
    '\xff/x',
  ]
  draft.contentType = random.pick([null, ...types, ...forms])
  draft.story.push(`content type ${draft.contentType}`)
  const isJson = draft.contentType?.startsWith('application/json;') ?? false
  if (draft.operation.bodySchema !== null && !isJson)
    draft.expect = { kind: 'bad', field: 'Content-Type', certain: true }
  return true
}

function bodyMissing(draft: Draft): boolean {
  if (draft.body === null) return false
  draft.body = null
  if (draft.operation.bodySchema !== null && draft.operation.id !== 'mergeIntoBranch')
    draft.expect = { kind: 'bad', field: 'body', certain: true }
  draft.story.push('no body')
  return true
}

function bodyUnexpected(draft: Draft, random: Random): boolean {
  if (draft.operation.bodyTypes.length > 0) return false
  draft.body = { bytes: random.pick([...brokenJson, deepJson]) }
  draft.contentType = 'application/json'
  draft.story.push('a body where none belongs')
  return true
}

function jsonBroken(draft: Draft, random: Random): boolean {
  if (draft.operation.bodySchema === null) return false
  draft.body = { bytes: random.oneIn(4) ? deepJson : random.pick(brokenJson) }
  draft.expect = { kind: 'bad', field: 'body', certain: true }
  draft.story.push('broken JSON')
  return true
}

function bodyBytes(draft: Draft, random: Random): boolean {
  const body = bodyOf(draft)
  if (body === null || body.length === 0) return false
  const at = random.below(body.length)
  const insert = Buffer.from(
    random.pick(['\xff', '\xc0\xaf', '\xed\xa0\x80', '\0', '"', '{', '\r\n--a-form-boundary']),
    'latin1',
  )
  const cut = random.oneIn(2)
  draft.body = { bytes: cut ? body.subarray(0, at) : Buffer.concat([body.subarray(0, at), insert, body.subarray(at)]) }
  draft.story.push(cut ? `body cut at ${at}` : `body with ${JSON.stringify(insert.toString('latin1'))} at ${at}`)
  return true
}

const FORM_PARTS = [
  '--B\r\n\r\nx\r\n--B--\r\n',
  '--B\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--B--\r\n',
  '--B\r\nContent-Disposition: form-data; name="content"\r\n\r\nx',
  '--B\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--B',
  '--B\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name="content"\r\n\r\ny\r\n--B--\r\n',
  '--B\r\nContent-Disposition: form-data; name=content; filename="\xff"\r\nContent-Type: \xff\0\r\n\r\nx\r\n--B--\r\n',
  `--B\r\n${'X-Long: y\r\n'.repeat(3000)}\r\nx\r\n--B--\r\n`,
  '--B--\r\n',
  '--C\r\n\r\n--C--',
  '',
]

function formBroken(draft: Draft, random: Random): boolean {
  if (!draft.operation.bodyTypes.includes('multipart/form-data')) return false
  draft.contentType = 'multipart/form-data; boundary=B'
  draft.body = { bytes: Buffer.from(random.pick(FORM_PARTS), 'latin1') }
  draft.story.push('broken form')
  return true
}

/** All of them; those that stand here twice are twice as frequent. */
export const mutations: readonly Mutation[] = [
  pathValue,
  pathValue,
  queryValue,
  queryValue,
  queryValue,
  queryMissing,
  queryOdd,
  hugeQuery,
  wrongMethod,
  header,
  header,
  manyHeaders,
  credentials,
  session,
  contentType,
  bodyMissing,
  bodyUnexpected,
  jsonBroken,
  bodyBytes,
  formBroken,
  mutateJson,
  mutateJson,
  mutateJson,
  mutateJson,
]

function short(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 50)}… (${text.length})` : text)
}
