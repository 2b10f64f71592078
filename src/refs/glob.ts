/**
 * Patterns over whole names, as lakeFS's glob library reads them: `*` any characters, `?` one, `[abc]`, `[a-z]`, `[!x]` one of a
 * set, `{a,b*}` alternatives, `\` takes the next character as it is.
 *
 * Matching goes through all places at once where a name could stand, so its time is bounded by pattern times name, whatever both are.
 */
import { DomainError } from '../errors.ts'

type Piece =
  | { readonly kind: 'one'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'many' }
  | { readonly kind: 'choice'; readonly options: readonly (readonly Piece[])[] }

/** Characters of a pattern at most, and alternatives inside alternatives. */
const maxLength = 1024
const maxDepth = 16

/** A test for names. @throws invalid_argument for what is no pattern */
export function compileGlob(pattern: string): (name: string) => boolean {
  const pieces = new Parser(pattern).parse()
  return (name) => {
    const characters = Array.from(name)
    return advance(pieces, new Set([0]), characters).has(characters.length)
  }
}

/** The places after `pieces` that can be reached from the places `from`. */
function advance(pieces: readonly Piece[], from: ReadonlySet<number>, name: readonly string[]): ReadonlySet<number> {
  let places = from
  for (const piece of pieces) {
    const next = new Set<number>()
    if (piece.kind === 'choice') {
      for (const option of piece.options) for (const place of advance(option, places, name)) next.add(place)
    } else if (piece.kind === 'many') {
      for (let place = smallest(places); place <= name.length; place++) next.add(place)
    } else {
      for (const place of places) {
        const character = name[place]
        if (character !== undefined && piece.accepts(character)) next.add(place + 1)
      }
    }
    if (next.size === 0) return next
    places = next
  }
  return places
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
    if (this.#characters.length > maxLength) this.#refuse(`it is longer than ${maxLength} characters`)
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
      } else if (character === '?') pieces.push({ kind: 'one', accepts: () => true })
      else if (character === '[') pieces.push({ kind: 'one', accepts: this.#set() })
      else if (character === '{') pieces.push({ kind: 'choice', options: this.#options(depth + 1) })
      else {
        const wanted = character === '\\' ? this.#take('it ends with "\\"') : character
        pieces.push({ kind: 'one', accepts: (candidate) => candidate === wanted })
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

function smallest(places: ReadonlySet<number>): number {
  let least = Number.POSITIVE_INFINITY
  for (const place of places) if (place < least) least = place
  return least
}
