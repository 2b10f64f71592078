import type { Timestamp } from '../model.ts'

/** The time as records keep it; the clock gives milliseconds. */
export function now(): Timestamp {
  const nowMs = Date.now()
  const seconds = Math.floor(nowMs / 1000)
  return { seconds, nanos: (nowMs - seconds * 1000) * 1_000_000 }
}
