/** The grammar of ref expressions: a base and modifiers, as lakeFS reads them. */
import { DomainError } from '../errors.ts'
import type { RefExpression } from '../model.ts'

/** `~n`: n times the first parent. `^n`: the n-th parent, 1-based; 0 is the commit itself. */
export interface Step {
  readonly kind: '~' | '^'
  readonly count: number
}

export interface ParsedExpression {
  /** A branch, tag, commit id or prefix of one. */
  readonly base: string
  /** `@`: the branch's head without staging; `$`: with staging, said explicitly. Only on branches, never beside steps. */
  readonly view: '@' | '$' | null
  readonly steps: readonly Step[]
}

/**
 * Splits `base[~n|^n|@|$]…`. Negative counts, which lakeFS lets through (and then crashes on), are refused.
 * @throws invalid_ref
 */
export function parseExpression(expression: RefExpression): ParsedExpression {
  const at = expression.search(/[~^@$]/)
  const base = at < 0 ? expression : expression.slice(0, at)
  if (base === '') throw invalid(expression)
  const modifiers = at < 0 ? [] : (expression.slice(at).match(/[~^@$][^~^@$]*/g) ?? [])
  const [first] = modifiers
  if (first?.startsWith('@') || first?.startsWith('$')) {
    if (modifiers.length > 1 || (first !== '@' && first !== '$')) throw invalid(expression)
    return { base, view: first, steps: [] }
  }
  return { base, view: null, steps: modifiers.map((modifier) => parseStep(modifier, expression)) }
}

function parseStep(modifier: string, expression: RefExpression): Step {
  const kind = modifier[0]
  const digits = modifier.slice(1)
  // Go's Atoi: an optional sign, leading zeros.
  const count = digits === '' ? 1 : /^\+?\d+$/.test(digits) ? Number(digits) : Number.NaN
  if ((kind !== '~' && kind !== '^') || !Number.isSafeInteger(count)) throw invalid(expression)
  return { kind, count }
}

function invalid(expression: RefExpression): DomainError {
  return new DomainError('invalid_ref', `argument ref: ${expression}: invalid value: validation error`)
}
