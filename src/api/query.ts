/**
 * The query of a request, read from the raw URL: byte-exact, decoded once, each parameter only when it is asked for. What the
 * contract does not know is ignored; what it knows is refused with `parameter "<name>" in query has an error: …` (lakeFS's prefix).
 */
import { DomainError } from '../errors.ts'
import { decodeBytes, decodeText } from './percent.ts'

/** Parameters that may be present without a value (`allowEmptyValue` of the contract; clients send `prefix=&after=`). */
const MAY_BE_EMPTY = new Set([
  'prefix',
  'after',
  'delimiter',
  'search',
  'limit',
  'first_parent',
  'since',
  'stop_at',
  'branch',
  'commit',
])

const DEFAULT_AMOUNT = 100
/** Entries in one page at most; more is an error, not a clamp. */
export const MAX_AMOUNT = 1000

/** @throws invalid_argument, always */
export function refuseParameter(name: string, place: 'query' | 'path' | 'header', problem: string): never {
  throw new DomainError('invalid_argument', `parameter "${name}" in ${place} has an error: ${problem}`)
}

/** Every method throws `invalid_argument` for a malformed escape or a value of the wrong form, naming the parameter. */
export class Query {
  /** Decoded names and raw values, alternating, in the order of the request. */
  readonly #pairs: readonly string[]

  /** @param raw what follows the `?` in the request target, unescaped by nobody */
  constructor(raw: string) {
    this.#pairs = split(raw)
  }

  /** The first value as bytes, for what is not text: paths, prefixes, delimiters. Null when absent. */
  bytes(name: string): Buffer | null {
    const raw = this.#first(name)
    if (raw === null) return null
    return decodeBytes(raw, true) ?? refuseParameter(name, 'query', 'malformed percent-encoding')
  }

  /** As `bytes`, of a parameter that must be there and not be empty. */
  requiredBytes(name: string): Buffer {
    return this.bytes(name) ?? refuseParameter(name, 'query', 'value is required but missing')
  }

  /** The first value as text: UTF-8 without NUL. Null when absent. */
  text(name: string): string | null {
    const raw = this.#first(name)
    return raw === null ? null : textValue(name, raw)
  }

  /** As `text`, of a parameter that must be there and not be empty. */
  requiredText(name: string): string {
    return this.text(name) ?? refuseParameter(name, 'query', 'value is required but missing')
  }

  /** All values of a repeated parameter as text, in order; empty when absent. */
  texts(name: string): string[] {
    return this.#all(name).map((raw) => textValue(name, raw))
  }

  /** All values of a repeated parameter as bytes, in order; empty when absent. */
  bytesList(name: string): Buffer[] {
    return this.#all(name).map(
      (raw) => decodeBytes(raw, true) ?? refuseParameter(name, 'query', 'malformed percent-encoding'),
    )
  }

  /** A boolean in any form that Go's `ParseBool` takes (the Python client sends `False`); `fallback` when absent. */
  boolean(name: string, fallback: boolean): boolean {
    const value = this.text(name)
    if (value === null || value === '') return fallback
    if (/^(true|True|TRUE|t|T|1)$/.test(value)) return true
    if (/^(false|False|FALSE|f|F|0)$/.test(value)) return false
    return refuseParameter(name, 'query', `value ${JSON.stringify(value)}: must be true or false`)
  }

  /** One of `values`; `fallback` when absent. */
  oneOf<Value extends string>(name: string, values: readonly Value[], fallback: Value): Value {
    const value = this.text(name)
    if (value === null) return fallback
    const known = values.find((candidate) => candidate === value)
    return known ?? refuseParameter(name, 'query', `value is not one of the allowed values ${JSON.stringify(values)}`)
  }

  /** A decimal integer between `minimum` and `maximum`, both inclusive; null when absent. */
  integer(name: string, minimum: number, maximum: number): number | null {
    const value = this.text(name)
    if (value === null) return null
    if (!/^-?\d{1,16}$/.test(value))
      refuseParameter(name, 'query', `value ${JSON.stringify(value)}: an invalid integer`)
    const number = Number(value)
    if (number < minimum) refuseParameter(name, 'query', `number must be at least ${minimum}`)
    if (number > maximum) refuseParameter(name, 'query', `number must be at most ${maximum}`)
    return number
  }

  /** Page size 1..1000: absent, 0 and -1 mean 100, above 1000 is refused. */
  amount(): number {
    const amount = this.integer('amount', -1, MAX_AMOUNT)
    return amount === null || amount <= 0 ? DEFAULT_AMOUNT : amount
  }

  /** Which page of a list of names is wanted. */
  namePage(): { prefix: string; after: string; amount: number } {
    return { prefix: this.text('prefix') ?? '', after: this.text('after') ?? '', amount: this.amount() }
  }

  #first(name: string): string | null {
    for (let at = 0; at < this.#pairs.length; at += 2) {
      if (this.#pairs[at] === name) return checkEmpty(name, this.#pairs[at + 1] ?? '')
    }
    return null
  }

  #all(name: string): string[] {
    return this.#pairs
      .filter((_, at) => at % 2 === 1 && this.#pairs[at - 1] === name)
      .map((raw) => checkEmpty(name, raw))
  }
}

function checkEmpty(name: string, raw: string): string {
  if (raw === '' && !MAY_BE_EMPTY.has(name)) refuseParameter(name, 'query', 'empty value is not allowed')
  return raw
}

function textValue(name: string, raw: string): string {
  const value = decodeText(raw, true)
  if (value === null) return refuseParameter(name, 'query', 'not percent-encoded UTF-8')
  if (value.includes('\0')) refuseParameter(name, 'query', 'must not contain NUL')
  return value
}

function split(raw: string): string[] {
  const pairs: string[] = []
  let start = 0
  while (start < raw.length) {
    let end = raw.indexOf('&', start)
    if (end === -1) end = raw.length
    if (end > start) {
      let equals = raw.indexOf('=', start)
      if (equals === -1 || equals > end) equals = end
      const name = raw.slice(start, equals)
      pairs.push(decodeText(name, true) ?? name, raw.slice(equals + 1, end))
    }
    start = end + 1
  }
  return pairs
}
