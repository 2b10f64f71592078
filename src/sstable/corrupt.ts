import { DomainError } from '../errors.ts'

/** The failure that every malformed or damaged byte of a table becomes; `what` finishes the sentence "cannot read table: …". */
export function corrupt(what: string, cause?: unknown): DomainError {
  return new DomainError('corrupt', `cannot read table: ${what}`, cause === undefined ? undefined : { cause })
}
