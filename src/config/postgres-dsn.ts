/**
 * The connection URL of a Postgres data source name, which lakeFS takes as a URL (`postgres://…`) or in libpq's keyword form
 * (`host=db port=5432 user=lake password='a b' dbname=lake sslmode=require`); null when `text` is neither.
 *
 * Keywords other than host, port, user, password and dbname become query parameters under their own names.
 */
export function postgresUrl(text: string): string | null {
  if (/^postgres(ql)?:\/\//.test(text))
    return URL.canParse(text.replace(/^\w+:/, 'http:')) || text.includes(',') ? text : null
  const words = parseKeywords(text)
  if (words === null || words.size === 0) return null
  const take = (keyword: string): string => {
    const value = words.get(keyword) ?? ''
    words.delete(keyword)
    return value
  }
  const host = take('host')
  const port = take('port')
  const user = encodeURIComponent(take('user'))
  const password = encodeURIComponent(take('password'))
  const database = encodeURIComponent(take('dbname'))
  if (host.startsWith('/')) words.set('host', host)
  const query = new URLSearchParams([...words]).toString()
  const login = user === '' ? '' : `${user}${password === '' ? '' : `:${password}`}@`
  const place = host.startsWith('/') ? 'localhost' : host.includes(':') ? `[${host}]` : host || 'localhost'
  return `postgres://${login}${place}${port === '' ? '' : `:${port}`}/${database}${query === '' ? '' : `?${query}`}`
}

/** libpq's `keyword = value` list: values in single quotes may hold spaces; `\` escapes a character inside and outside quotes. */
function parseKeywords(text: string): Map<string, string> | null {
  const words = new Map<string, string>()
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gy
  const end = text.trimEnd().length
  while (pair.lastIndex < end) {
    const match = pair.exec(text)
    if (match === null) return null
    words.set(match[1] ?? '', (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'))
  }
  return words
}
