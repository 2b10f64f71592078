/** Names under `.test` (reserved, RFC 6761) as names of this machine, without a name server. */
import dns from 'node:dns'

type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/**
 * A `fetch` for which names under `.test` are 127.0.0.1, and what undoes it. Node's resolver is taken the place of; Bun's cannot be,
 * but its `fetch` lets the Host header be set, which Node's does not.
 */
export function openTestNames(send: Fetch): { readonly fetch: Fetch; close(): void } {
  if (process.versions.bun !== undefined) return { fetch: withHostHeader(send), close: () => undefined }
  const original = dns.lookup
  const lookup = (name: string, ...rest: unknown[]): void => {
    Reflect.apply(original, dns, [name.endsWith('.test') ? '127.0.0.1' : name, ...rest])
  }
  dns.lookup = Object.assign(lookup, { __promisify__: original.__promisify__ }) as typeof dns.lookup
  return {
    fetch: send,
    close() {
      dns.lookup = original
    },
  }
}

function withHostHeader(send: Fetch): Fetch {
  return (url, init = {}) => {
    const { host, hostname } = new URL(url)
    const headers = new Headers(init.headers)
    headers.set('host', host)
    return send(url.replace(hostname, '127.0.0.1'), { ...init, headers })
  }
}
