/** HTTP/1.1 over a socket, byte for byte: what the ordinary clients would refuse to send, and quick enough for a hundred thousand. */
import { connect, type Socket } from 'node:net'

/** Silence after which a request counts as hung. Nothing is measured by it. */
const HANG_MS = 30_000

export interface WireAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** The server closes the connection after it. */
  readonly closes: boolean
}

export type Outcome =
  | { readonly kind: 'answer'; readonly answer: WireAnswer }
  | { readonly kind: 'closed'; readonly reason: string }
  | { readonly kind: 'hang' }

/** One connection, one request at a time. */
export class Wire {
  readonly #socket: Socket
  #held: Buffer = Buffer.alloc(0)
  #waiting: { readonly method: string; readonly resolve: (outcome: Outcome) => void } | null = null
  #reason = 'without a word'
  /** True when it can take another request. */
  open = true
  /** Bytes that no request asked for. */
  stray = ''
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>

  constructor(baseUrl: string) {
    const { hostname, port } = new URL(baseUrl)
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.setTimeout(HANG_MS)
    this.#socket.on('data', (chunk) => this.#take(chunk))
    this.#socket.on('timeout', () => this.#hung())
    this.#socket.on('error', ({ message }) => {
      this.#reason = message
    })
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#ended()
        resolve()
      })
    })
  }

  /** Sends a whole request and gives what comes back. */
  exchange(method: string, bytes: Uint8Array): Promise<Outcome> {
    return new Promise((resolve) => {
      if (!this.open) return resolve({ kind: 'closed', reason: this.#reason })
      this.#waiting = { method, resolve }
      this.#socket.write(bytes)
    })
  }

  /** Sends bytes that answer nothing by themselves. */
  write(bytes: Uint8Array | string): void {
    this.#socket.write(bytes)
  }

  /** No more will be sent; answers still come. */
  end(): void {
    this.#socket.end()
  }

  close(): void {
    this.open = false
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    if (this.#waiting === null) {
      this.stray += this.#held.toString('latin1')
      this.#held = Buffer.alloc(0)
      return
    }
    const parsed = parseAnswer(this.#held, this.#waiting.method)
    if (parsed === null) return
    this.#held = this.#held.subarray(parsed.length)
    if (parsed.answer.closes) this.open = false
    // An interim answer is none yet.
    if (parsed.answer.status >= 200) this.#settle({ kind: 'answer', answer: parsed.answer })
    if (this.#held.length > 0) this.#take(Buffer.alloc(0))
  }

  #settle(outcome: Outcome): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.resolve(outcome)
  }

  #hung(): void {
    if (this.#waiting === null) return
    this.close()
    this.#settle({ kind: 'hang' })
  }

  #ended(): void {
    this.open = false
    this.#settle({ kind: 'closed', reason: this.#reason })
  }
}

function parseAnswer(held: Buffer, method: string): { readonly answer: WireAnswer; readonly length: number } | null {
  const end = held.indexOf('\r\n\r\n')
  if (end === -1) return null
  const [first = '', ...lines] = held.toString('latin1', 0, end).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const status = Number(first.split(' ')[1])
  const closes = headers.get('connection')?.toLowerCase() === 'close'
  const start = end + 4
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304)
    return { answer: { status, headers, body: Buffer.alloc(0), closes }, length: start }
  if (headers.get('transfer-encoding') === 'chunked') {
    const chunked = parseChunks(held, start)
    return chunked && { answer: { status, headers, body: chunked.body, closes }, length: chunked.end }
  }
  // Without either, an answer ends with its connection; ours never do.
  const length = Number(headers.get('content-length') ?? 0)
  if (held.length < start + length) return null
  const body = held.subarray(start, start + length)
  return { answer: { status, headers, body, closes }, length: start + length }
}

function parseChunks(held: Buffer, start: number): { readonly body: Buffer; readonly end: number } | null {
  const pieces: Buffer[] = []
  let at = start
  for (;;) {
    const line = held.indexOf('\r\n', at)
    if (line === -1) return null
    const size = Number.parseInt(held.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (held.length < next) return null
    if (size === 0) return { body: Buffer.concat(pieces), end: next }
    pieces.push(held.subarray(line + 2, line + 2 + size))
    at = next
  }
}
