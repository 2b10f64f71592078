/** A question whose answer is good for a moment, so that whoever may ask it cannot make work by asking often. */

export interface ProbeOptions {
  /** How long an answer is given again. */
  readonly keepMs: number
  /** How long asking takes at most; while it does, the last answer is given. */
  readonly patienceMs: number
}

/**
 * `ask`, which never rejects, at most once at a time and not again before its answer is `keepMs` old. Only the callers of a first time
 * may ask side by side: what they share is the answer, never a promise, which on Workers would end with the request that made it.
 */
export function createProbe<Result>(
  ask: () => Promise<Result>,
  { keepMs, patienceMs }: ProbeOptions,
): () => Promise<Result> {
  let last: { readonly result: Result; readonly atMs: number } | null = null
  let askingUntilMs = 0
  return async () => {
    const nowMs = performance.now()
    if (last !== null && (nowMs - last.atMs < keepMs || nowMs < askingUntilMs)) return last.result
    askingUntilMs = nowMs + patienceMs
    const result = await ask()
    last = { result, atMs: performance.now() }
    askingUntilMs = 0
    return result
  }
}
