/** A write load: writers that upload, overwrite and delete, and a committer; goes on until the server is gone. */
import { createHash } from 'node:crypto'
import { basic, type Target } from '../support/http.ts'
import type { Histories, Interval, Value } from './histories.ts'

export interface Load {
  readonly repository: string
  readonly histories: Histories
  readonly random: () => number
  /** Told of every commit that was acknowledged, with the time between its call and its answer. */
  readonly onCommit: (id: string, during: Interval) => void
}

const PATHS = 24
const WRITERS = 6
const SMALL_BYTES = 48 * 1024
/** Bodies over 1 MiB are streamed by the server. */
const LARGE_BYTES = 1024 * 1024
const CHUNK_BYTES = 128 * 1024

/** Resolves when the server has stopped answering. @throws when it answers anything but success while it lives */
export async function runLoad(target: Target, load: Load): Promise<void> {
  await Promise.all([
    ...Array.from({ length: WRITERS }, () => writeUntilGone(target, load)),
    commitUntilGone(target, load),
  ])
}

async function writeUntilGone(target: Target, { repository, histories, random }: Load): Promise<void> {
  for (;;) {
    const path = `data/${String(Math.floor(random() * PATHS)).padStart(3, '0')}`
    const isDelete = random() < 0.15
    const bytes = isDelete ? null : randomBody(random)
    const acknowledge = histories.send(path, bytes === null ? null : describeBytes(bytes))
    const url = `${target.baseUrl}/api/v1/repositories/${repository}/branches/main/objects?path=${encodeURIComponent(path)}`
    const status = await send(target, url, bytes === null ? { method: 'DELETE' } : upload(bytes, random()))
    if (status === null) return
    if (status !== (isDelete ? 204 : 201)) throw new Error(`${isDelete ? 'delete' : 'upload'} of ${path}: ${status}`)
    acknowledge()
  }
}

async function commitUntilGone(target: Target, { repository, histories, onCommit }: Load): Promise<void> {
  const url = `${target.baseUrl}/api/v1/repositories/${repository}/branches/main/commits`
  for (;;) {
    const from = histories.tick()
    let body = ''
    const status = await send(
      target,
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: `at ${from}` }),
      },
      (text) => {
        body = text
      },
    )
    if (status === null) return
    // 400: nothing had changed since the last one.
    if (status === 201) onCommit((JSON.parse(body) as { id: string }).id, { from, to: histories.tick() })
    else if (status !== 400 || !body.includes('no changes')) throw new Error(`commit: ${status} ${body}`)
  }
}

/** The status, or null when the server went away before it had answered. */
async function send(
  target: Target,
  url: string,
  init: RequestInit & { duplex?: 'half' },
  onBody: (text: string) => void = () => undefined,
): Promise<number | null> {
  try {
    const response = await fetch(url, { ...init, headers: { ...init.headers, authorization: basic(target) } })
    onBody(await response.text())
    return response.status
  } catch {
    return null
  }
}

/** Large bodies partly without a length, in chunks. */
function upload(bytes: Buffer, chance: number): RequestInit & { duplex?: 'half' } {
  const headers = { 'content-type': 'application/octet-stream' }
  if (bytes.length < LARGE_BYTES || chance < 0.5) return { method: 'POST', headers, body: bytes as BodyInit }
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, at + CHUNK_BYTES))
      at += CHUNK_BYTES
    },
  })
  return { method: 'POST', headers, body, duplex: 'half' }
}

function randomBody(random: () => number): Buffer {
  const isLarge = random() < 0.2
  const sizeBytes = isLarge ? LARGE_BYTES + Math.floor(random() * LARGE_BYTES) : Math.floor(random() * SMALL_BYTES)
  const bytes = Buffer.alloc(sizeBytes, `${random()}`)
  for (let at = 0; at + 8 <= sizeBytes; at += 4096) bytes.writeDoubleLE(random(), at)
  return bytes
}

export function describeBytes(bytes: Uint8Array): NonNullable<Value> {
  return { md5: createHash('md5').update(bytes).digest('hex'), sizeBytes: bytes.length }
}
