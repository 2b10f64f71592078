/** Seeded randomness: the same seed gives the same case, whatever ran before it. */

export interface Random {
  /** 0 up to `end`, which is left out. */
  below(end: number): number
  /** True once in `many`. */
  oneIn(many: number): boolean
  pick<Value>(values: readonly Value[]): Value
}

/** Mulberry32: small, quick, and good enough to choose test cases. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function below(end: number): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }
  return {
    below,
    oneIn: (many) => below(many) === 0,
    pick(values) {
      if (values.length === 0) throw new Error('there is nothing to pick from')
      return values[below(values.length)] as (typeof values)[number]
    },
  }
}

/** The seed of the case at `index` of a run. */
export function caseSeed(runSeed: number, index: number): number {
  return createRandom(runSeed ^ Math.imul(index + 1, 0x9e3779b1)).below(2 ** 32)
}
