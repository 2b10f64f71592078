/**
 * Patterns over whole names, as lakeFS's glob library reads them: `*` any characters, `?` one, `[abc]`, `[a-z]`, `[!x]` one of a
 * set, `{a,b*}` alternatives, `\` takes the next character as it is.
 *
 * Matching goes through all places at once where a name could stand, so the time of one pattern is bounded by pattern times name,
 * whatever both are. Whoever matches many bounds them all together.
 */
import { DomainError } from '../errors.ts'

type Piece =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'many' }
  | { readonly kind: 'choice'; readonly options: readonly (readonly Piece[])[] }

/** Alternatives inside alternatives. */
const maxDepth = 16
/** Compiled patterns that are kept; one of 256 characters takes some 10 KiB. */
const maxKept = 1024

const kept = new Map<string, (name: string) => boolean>()

/** A test for names, compiled once while it is in use. @throws invalid_argument for what is no pattern */
export function globOf(pattern: string): (name: string) => boolean {
  const known = kept.get(pattern)
  if (known !== undefined) return known
  const compiled = compile(pattern)
  if (kept.size >= maxKept) kept.clear()
  kept.set(pattern, compiled)
  return compiled
}

function compile(pattern: string): (name: string) => boolean {
  const pieces = new Parser(pattern).parse()
  const [first] = pieces
  const start = first?.kind === 'literal' ? first.character : ''
  return (name) => {
    if (!name.startsWith(start)) return false
    const characters = Array.from(name)
    const marks = new Uint8Array(characters.length + 1)
    marks[0] = 1
    const reached = advance(pieces, { marks, low: 0, high: 0 }, characters)
    return reached !== null && reached.marks[characters.length] === 1
  }
}

/** Places in a name: those between `low` and `high`, both included, whose mark is 1; both ends are such. */
interface Places {
  readonly marks: Uint8Array
  readonly low: number
  readonly high: number
}

/** The places after `pieces` that can be reached from the places `from`; null when there are none. */
function advance(pieces: readonly Piece[], from: Places, name: readonly string[]): Places | null {
  let places: Places | null = from
  for (const piece of pieces) {
    places = piece.kind === 'choice' ? advanceAny(piece.options, places, name) : step(piece, places, name)
    if (places === null) return null
  }
  return places
}

function advanceAny(options: readonly (readonly Piece[])[], from: Places, name: readonly string[]): Places | null {
  const marks = new Uint8Array(name.length + 1)
  for (const option of options) {
    const reached = advance(option, from, name)
    if (reached === null) continue
    for (let place = reached.low; place <= reached.high; place++) if (reached.marks[place] === 1) marks[place] = 1
  }
  return trimmed(marks, from.low, name.length)
}

function step(piece: Exclude<Piece, { kind: 'choice' }>, { marks, low, high }: Places, name: readonly string[]) {
  const next = new Uint8Array(name.length + 1)
  if (piece.kind === 'many') return { marks: next.fill(1, low), low, high: name.length }
  const last = Math.min(high, name.length - 1)
  for (let place = low; place <= last; place++) {
    if (marks[place] === 1 && accepts(piece, name[place] ?? '')) next[place + 1] = 1
  }
  return trimmed(next, low + 1, last + 1)
}

function accepts(piece: Exclude<Piece, { kind: 'choice' | 'many' }>, character: string): boolean {
  if (piece.kind === 'literal') return piece.character === character
  return piece.kind === 'any' || piece.accepts(character)
}

function trimmed(marks: Uint8Array, low: number, high: number): Places | null {
  while (low <= high && marks[low] === 0) low++
  while (high >= low && marks[high] === 0) high--
  return low > high ? null : { marks, low, high }
}

class Parser {
  readonly #pattern: string
  readonly #characters: readonly string[]
  #at = 0

  constructor(pattern: string) {
    this.#pattern = pattern
    this.#characters = Array.from(pattern)
  }

  parse(): readonly Piece[] {
    if (this.#characters.length === 0) this.#refuse('it is empty')
    return this.#sequence(0)
  }

  /** Up to the end; inside braces up to `,` or `}`, which stay. */
  #sequence(depth: number): Piece[] {
    const pieces: Piece[] = []
    for (;;) {
      const character = this.#characters[this.#at]
      if (character === undefined) return pieces
      if (depth > 0 && (character === ',' || character === '}')) return pieces
      this.#at++
      if (character === '*') {
        if (pieces.at(-1)?.kind !== 'many') pieces.push({ kind: 'many' })
      } else if (character === '?') pieces.push({ kind: 'any' })
      else if (character === '[') pieces.push({ kind: 'one', accepts: this.#set() })
      else if (character === '{') pieces.push({ kind: 'choice', options: this.#options(depth + 1) })
      else {
        pieces.push({ kind: 'literal', character: character === '\\' ? this.#take('it ends with "\\"') : character })
      }
    }
  }

  #options(depth: number): Piece[][] {
    if (depth > maxDepth) this.#refuse('its braces lie too deep')
    const options = [this.#sequence(depth)]
    while (this.#take('"{" without "}"') === ',') options.push(this.#sequence(depth))
    return options
  }

  #set(): (character: string) => boolean {
    const unclosed = '"[" without "]"'
    const negated = this.#characters[this.#at] === '!'
    if (negated) this.#at++
    const ranges: (readonly [low: string, high: string])[] = []
    for (;;) {
      let low = this.#take(unclosed)
      if (low === ']') break
      if (low === '\\') low = this.#take(unclosed)
      let high = low
      if (this.#characters[this.#at] === '-' && this.#characters[this.#at + 1] !== ']') {
        this.#at++
        high = this.#take(unclosed)
        if (high === '\\') high = this.#take(unclosed)
        if (codePoint(high) < codePoint(low)) this.#refuse(`the range ${low}-${high} is empty`)
      }
      ranges.push([low, high])
    }
    if (ranges.length === 0) this.#refuse('"[]" has no characters')
    return (character) => {
      const code = codePoint(character)
      return ranges.some(([low, high]) => codePoint(low) <= code && code <= codePoint(high)) !== negated
    }
  }

  #take(otherwise: string): string {
    return this.#characters[this.#at++] ?? this.#refuse(otherwise)
  }

  #refuse(problem: string): never {
    const pattern = this.#pattern.length > 80 ? `${this.#pattern.slice(0, 80)}…` : this.#pattern
    throw new DomainError(
      'invalid_argument',
      `argument pattern: cannot read ${JSON.stringify(pattern)}: ${problem}: invalid value: validation error`,
    )
  }
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0
}
