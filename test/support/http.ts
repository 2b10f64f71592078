/** A plain HTTP client for acceptance tests: speaks the wire, knows nothing of the server's code. */

export interface Target {
  readonly baseUrl: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  /** The body as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are compared with literals
  readonly json: any
}

export interface Call {
  readonly json?: unknown
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>
  readonly headers?: Record<string, string>
  /** False: send no credentials. */
  readonly signed?: boolean
}

export function basic(target: Target): string {
  return `Basic ${Buffer.from(`${target.accessKeyId}:${target.secretAccessKey}`).toString('base64')}`
}

/** One request to `/api/v1<path>`; never throws for a status. */
export async function call(target: Target, method: string, path: string, options: Call = {}): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers }
  if (options.signed !== false) headers.authorization ??= basic(target)
  // Where something in front of the server compresses (Miniflare's), answers would have no length.
  headers['accept-encoding'] ??= 'identity'
  let body = options.body
  if (options.json !== undefined) {
    body = JSON.stringify(options.json)
    headers['content-type'] ??= 'application/json'
  }
  const response = await fetch(`${target.baseUrl}/api/v1${path}`, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: body as BodyInit }),
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  } as RequestInit)
  const bytes = Buffer.from(await response.arrayBuffer())
  let json: unknown
  if (bytes.length > 0 && response.headers.get('content-type') === 'application/json')
    json = JSON.parse(bytes.toString())
  return { status: response.status, headers: response.headers, bytes, json }
}

/** A name that no other test of the run uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${Math.random().toString(36).slice(2, 10)}`
}
