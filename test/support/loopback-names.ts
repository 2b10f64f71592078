/** A name server for tests: names under `.test` (reserved, RFC 6761) are this machine. */
import dns from 'node:dns'

/** Makes Node's resolver answer 127.0.0.1 for every name under `.test`; undo with the function that comes back. */
export function resolveTestNames(): () => void {
  const original = dns.lookup
  const lookup = (name: string, ...rest: unknown[]): void => {
    const shown = name.endsWith('.test') ? '127.0.0.1' : name
    Reflect.apply(original, dns, [shown, ...rest])
  }
  dns.lookup = Object.assign(lookup, { __promisify__: original.__promisify__ }) as typeof dns.lookup
  return () => {
    dns.lookup = original
  }
}
