/** How long a client may say nothing while its body is waited for: who is silent must not hold what others could use. */
import { DomainError } from '../errors.ts'

/** A request whose body is wanted. */
export interface BodySource {
  readonly raw: Request
  /** Milliseconds without a byte after which a body is given up; 0: any. */
  readonly bodyIdleMs: number
}

/** Bodies of a stated size up to this are read at once: streaming a small one costs three times as much. */
export const WHOLE_LIMIT_BYTES = 1024 * 1024
/** What the slowest client that is waited for gets over; a body that is read in one piece shows nothing of its pace. */
const SLOWEST_BYTES_PER_SECOND = 4096

/** What `reading` reads, the next bytes of a body. @throws body_silent when none come within `idleMs` (0: any time) */
export function nextOf<Result>(reading: Promise<Result>, idleMs: number): Promise<Result> {
  return within(reading, idleMs, `no byte came for ${idleMs / 1000} s`)
}

/**
 * What `reading` reads, a body of at most `sizeBytes`: it may take `idleMs` (0: any time) and a second for each 4 KiB.
 *
 * @throws body_silent when it takes longer
 */
export function wholeOf<Result>(reading: Promise<Result>, idleMs: number, sizeBytes: number): Promise<Result> {
  const totalMs = idleMs === 0 ? 0 : idleMs + Math.ceil((sizeBytes * 1000) / SLOWEST_BYTES_PER_SECOND)
  return within(reading, totalMs, `it was not there after ${totalMs / 1000} s`)
}

async function within<Result>(reading: Promise<Result>, limitMs: number, problem: string): Promise<Result> {
  if (limitMs === 0) return reading
  let timer: NodeJS.Timeout | undefined
  const impatience = new Promise<never>((_, reject) => {
    const give = () => reject(new DomainError('body_silent', `cannot read the request body: ${problem}`))
    // Longer ones would be taken for none at all.
    timer = setTimeout(give, Math.min(limitMs, 2 ** 31 - 1))
  })
  try {
    return await Promise.race([reading, impatience])
  } finally {
    clearTimeout(timer)
  }
}
