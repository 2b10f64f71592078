/** Turns at work that would only be in its own way: commits of one branch. They save work, they guard nothing. */

/** Who wants to do something that one at a time should do, for servers; see `createTurns`. */
export interface Turns {
  /** Does `work` when those who came before under the same `key` are done, however they ended. */
  take<Result>(key: string, work: () => Promise<Result>): Promise<Result>
}

/**
 * Turns in the order of arrival, among the callers of this process. Not for Workers, where what one request waits for must not be
 * another request.
 */
export function createTurns(): Turns {
  /** The end of the last turn taken, by key; it never rejects. */
  const ends = new Map<string, Promise<unknown>>()
  return {
    async take(key, work) {
      const turn = (ends.get(key) ?? Promise.resolve()).then(work)
      const end = turn.catch(() => undefined)
      ends.set(key, end)
      try {
        return await turn
      } finally {
        if (ends.get(key) === end) ends.delete(key)
      }
    },
  }
}
