/** HTTP towards the storages on servers (`workerd.ts` has that of Workers): each fits `HttpPlatform` of `src/block/platform.ts`. */

interface Init {
  readonly method: string
  readonly headers: Headers
  readonly body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
  readonly redirect: 'error' | 'manual'
  readonly signal: AbortSignal
  readonly duplex?: 'half'
}

/** Bun would unpack compressed objects, and fail on parts of them; the others have no such switch and ignore it. */
const AS_STORED = { decompress: false }

function send(url: string, init: Init): Promise<Response> {
  const asStored: RequestInit & typeof AS_STORED = { ...init, ...AS_STORED }
  return fetch(url, asStored)
}

function unchanged(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return stream
}

/**
 * Node and Bun: a Content-Length header on a streamed request is honoured and a shorter body fails it; without `redirect: 'error'`
 * Node keeps a copy of the whole body to be able to follow a redirect.
 */
export const nodeHttp = { fetch: send, streamRedirect: 'error', fixedLength: unchanged } as const

/** Bun, which can also leave certificates unverified. */
export const bunHttp = {
  ...nodeHttp,
  insecureFetch(url: string, init: Init): Promise<Response> {
    const withTls: RequestInit & { tls: { rejectUnauthorized: boolean } } = {
      ...init,
      ...AS_STORED,
      tls: { rejectUnauthorized: false },
    }
    return fetch(url, withTls)
  },
} as const
