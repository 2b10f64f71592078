/**
 * A Worker that sends two chunks of 64 KiB and then breaks or ends: `?known` with a length, `?plain` without the seam, `?ends` ends.
 * A POST answers the sizes of the chunks in which its body came.
 */
import { createWorkerdBodies } from '../../src/runtime/workerd.ts'

const CHUNK_BYTES = 64 * 1024

function chunks(breaks: boolean): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (sent < 2) {
        sent += 1
        controller.enqueue(new Uint8Array(CHUNK_BYTES))
      } else if (breaks) controller.error(new Error('the storage hung up'))
      else controller.close()
    },
  })
}

export default {
  async fetch(request: Request, _: unknown, lifetime: { waitUntil(work: Promise<unknown>): void }): Promise<Response> {
    const { incoming, outgoing } = createWorkerdBodies((sent) => lifetime.waitUntil(sent))
    if (request.body !== null) {
      const sizes: number[] = []
      const reader = incoming(request.body).getReader()
      for (let step = await reader.read(); !step.done; step = await reader.read()) sizes.push(step.value.length)
      return Response.json(sizes)
    }
    const wanted = new URL(request.url).searchParams
    const sizeBytes = wanted.has('known') ? (wanted.has('ends') ? 2 : 3) * CHUNK_BYTES : null
    const body = chunks(!wanted.has('ends'))
    return new Response(wanted.has('plain') ? body : outgoing(body, sizeBytes))
  },
}
