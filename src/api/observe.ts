/** What is told of each request when it has been answered: to the metrics always, to the log when somebody reads it there. */
import type { Counter, Histogram, Metrics } from '../runtime/metrics.ts'
import { type OperationId, operations } from './operations.gen.ts'
import type { ApiRequest, Connection } from './request.ts'
import type { ReplyBody } from './responses.ts'

/** An answered request. */
export interface Answered {
  readonly id: string
  readonly raw: Request
  readonly connection: Connection
  /** Undecoded, without the query: that may hold signatures. */
  readonly path: string
  /** Null: no operation of the contract. */
  readonly operation: OperationId | null
  /** Null for what was refused before anybody looked at it. */
  readonly request: ApiRequest | null
  readonly status: number
  readonly body: ReplyBody
  readonly headers: Readonly<Record<string, string>>
  /** Until the answer was there; a stream is still on its way then. */
  readonly durationMs: number
}

export type ObserveAnswer = (answered: Answered) => void

/** Characters of a path or of an address that are worth a line in the log. */
const MAX_LOGGED_LENGTH = 1100
/** What a client may call its request. */
const REQUEST_ID = /^[\w.:=+/-]{1,128}$/

/** What a client calls its request when that can be repeated in headers and logs, else a fresh UUID. */
export function requestIdOf(request: Request, fresh: () => string): string {
  const given = request.headers.get('x-request-id')
  return given !== null && REQUEST_ID.test(given) ? given : fresh()
}

interface Series {
  readonly count: Counter
  readonly time: Histogram
}

/** Counts and times requests by operation and status: both few, whatever clients send. */
export function createApiMetrics(metrics: Metrics): ObserveAnswer {
  const requests = metrics.counter('api_requests_total', 'Requests to the API, answered.', [
    'code',
    'method',
    'operation',
  ])
  const durations = metrics.histogram('api_request_duration_seconds', 'Time until the answer was there.', [
    'operation',
    'code',
  ])
  const known = new Map<string, Map<number, Series>>()
  return ({ operation, status, durationMs }) => {
    const name = operation ?? 'unknown'
    let byStatus = known.get(name)
    if (byStatus === undefined) {
      byStatus = new Map()
      known.set(name, byStatus)
    }
    let series = byStatus.get(status)
    if (series === undefined) {
      const code = String(status)
      const method = operation === null ? 'any' : operations[operation].method
      series = { count: requests.with(code, method, name), time: durations.with(name, code) }
      byStatus.set(status, series)
    }
    series.count.add(1)
    series.time.observe(durationMs / 1000)
  }
}

/** One line for each request. Headers, queries and bodies, where secrets are, are not looked at. */
export function createRequestLog(
  write: (fields: Readonly<Record<string, unknown>>, message: string) => void,
): ObserveAnswer {
  return (answered) => {
    const { id, raw, connection, path, operation, request, status, durationMs } = answered
    const received = raw.headers.get('content-length')
    const fields = {
      requestId: id,
      operation,
      method: raw.method,
      path: short(path),
      status,
      durationMs: Math.round(durationMs * 1000) / 1000,
      bytesIn: received === null ? null : Number(received),
      bytesOut: sizeOf(answered),
      user: request?.caller?.name ?? null,
      storage: request?.storageId ?? null,
      client: short(request?.sourceIp ?? connection.peerAddress),
      peer: connection.peerAddress,
      agent: short(raw.headers.get('x-lakefs-client') ?? raw.headers.get('user-agent')),
    }
    write(fields, 'request')
  }
}

function sizeOf({ raw, body, headers }: Answered): number | null {
  if (body === null || raw.method === 'HEAD') return 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.length
  if (body instanceof Blob) return body.size
  const length = headers['Content-Length']
  return length === undefined ? null : Number(length)
}

function short<Text extends string | null>(text: Text): Text | string {
  return text !== null && text.length > MAX_LOGGED_LENGTH ? `${text.slice(0, MAX_LOGGED_LENGTH)}…` : text
}
