/** Turns at work that would only be in its own way: commits of one branch. They save work, they guard nothing. */

/** Who wants to do something that one at a time should do, for servers; see `createTurns`. */
export interface Turns {
  /** Does `work` when those who came before under the same `key` are done, however they ended. */
  take<Result>(key: string, work: (turn: Turn) => Promise<Result>): Promise<Result>
}

/** Whose turn it is, for whoever has it. */
export interface Turn {
  /** A turn that began after this caller had come did what this caller came for. */
  readonly served: boolean
  /** Says that this turn did what those came for who had come when it began. Without effect from a turn that was served itself. */
  serve(): void
}

/** Those who wait under one key, numbered from 1 in the order of their arrival. */
interface Line {
  arrived: number
  served: number
  /** The end of the last turn taken; it never rejects. */
  end: Promise<unknown>
}

/**
 * Turns in the order of arrival, among the callers of this process. Not for Workers, where what one request waits for must not be
 * another request.
 */
export function createTurns(): Turns {
  const lines = new Map<string, Line>()
  return {
    async take(key, work) {
      const line = lines.get(key) ?? { arrived: 0, served: 0, end: Promise.resolve() }
      lines.set(key, line)
      const place = ++line.arrived
      const turn = line.end.then(() => {
        const waiting = line.arrived
        const served = place <= line.served
        return work({
          served,
          serve() {
            if (!served) line.served = waiting
          },
        })
      })
      const end = turn.catch(() => undefined)
      line.end = end
      try {
        return await turn
      } finally {
        if (line.end === end) lines.delete(key)
      }
    },
  }
}
