/** Uploads byte by byte over a socket: clients that pause, stop early or vanish. */
import { connect, type Socket } from 'node:net'
import { basic, type Target } from '../support/http.ts'

/** How the length of the body is told, and whether it is the object itself or a form with the object in it. */
export type Framing = 'raw, known length' | 'raw, chunked' | 'form, known length' | 'form, chunked'

export const framings: readonly Framing[] = ['raw, known length', 'raw, chunked', 'form, known length', 'form, chunked']

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

export interface RawUpload {
  /** Sends the next bytes of the object; resolves when the system has taken them. */
  send(bytes: Uint8Array): Promise<void>
  /** The body's proper end: the form's last boundary, the last chunk. */
  finish(): Promise<void>
  /** No more bytes will come, although they were promised; still listens. */
  hangUp(): void
  /** Gone: the connection is reset. */
  vanish(): void
  /** The answer; null when the connection ended without one. */
  readonly answer: Promise<RawAnswer | null>
}

const BOUNDARY = 'a-boundary-that-no-body-has'
const FORM_START = Buffer.from(
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="x"\r\nContent-Type: application/octet-stream\r\n\r\n`,
)
const FORM_END = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)

/** Opens an upload of an object of `sizeBytes`. */
export async function openUpload(
  target: Target,
  objectsPath: string,
  framing: Framing,
  sizeBytes: number,
): Promise<RawUpload> {
  const { hostname, port } = new URL(target.baseUrl)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const answer = readAnswer(socket)
  const isForm = framing.startsWith('form')
  const isChunked = framing.endsWith('chunked')
  const bodyBytes = sizeBytes + (isForm ? FORM_START.length + FORM_END.length : 0)
  const write = (bytes: Uint8Array | string) => new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  const writeBody = async (bytes: Uint8Array) => {
    if (!isChunked) return write(bytes)
    await write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]))
  }
  const lines = [
    `POST /api/v1${objectsPath} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    `Authorization: ${basic(target)}`,
    `Content-Type: ${isForm ? `multipart/form-data; boundary=${BOUNDARY}` : 'application/octet-stream'}`,
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`,
  ]
  await write(`${lines.join('\r\n')}\r\n\r\n`)
  if (isForm) await writeBody(FORM_START)
  return {
    answer,
    send: writeBody,
    async finish() {
      if (isForm) await writeBody(FORM_END)
      if (isChunked) await write('0\r\n\r\n')
    },
    hangUp: () => void socket.end(),
    vanish: () => void socket.resetAndDestroy(),
  }
}

function readAnswer(socket: Socket): Promise<RawAnswer | null> {
  return new Promise((resolve) => {
    let text = ''
    const tryResolve = () => {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = text.slice(0, end)
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      const body = text.slice(end + 4)
      if (Buffer.byteLength(body) < length) return
      resolve({ status: Number(head.split(' ')[1]), head, body })
    }
    socket.setEncoding('utf8')
    socket.on('data', (more: string) => {
      text += more
      tryResolve()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(null))
  })
}
