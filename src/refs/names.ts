/**
 * What names may look like, with lakeFS's rules and texts (`argument <name>: <detail>: invalid value: validation error`).
 * Each function brands a string for the rooms below, once, at the edge.
 */
import { DomainError } from '../errors.ts'
import type { BranchName, ObjectPath, RefExpression, RepositoryName, TagName } from '../model.ts'

/** lakeFS's limit on an object path, in bytes. */
const maxPathBytes = 1024
/** Branch and tag names are keys of an index, which holds 2704 bytes (a third of a page of Postgres) and the repository's id. */
const maxRefNameBytes = 1024
/** A name and as many steps as anyone would write. */
const maxExpressionBytes = 4096

/** @throws invalid_argument */
export function parseRepositoryName(text: string, argument = 'repository'): RepositoryName {
  if (!/^[a-z0-9][a-z0-9-]{2,62}$/.test(text)) {
    throw invalid(
      argument,
      'repository id must be 3 to 63 lower case letters, digits and dashes, and cannot start with a dash',
    )
  }
  return text as RepositoryName
}

/** Letters, digits, `_` and `-` of ASCII, no `-` in front; at most 1024. @throws invalid_argument */
export function parseBranchName(text: string, argument = 'branch'): BranchName {
  if (!/^[A-Za-z0-9_][-A-Za-z0-9_]*$/.test(text)) {
    throw invalid(
      argument,
      'branch id must consist of letters, digits, underscores and dashes, and cannot start with a dash',
    )
  }
  refuseLonger(text, maxRefNameBytes, argument, 'branch id')
  return text as BranchName
}

/** Git's rules for a ref name without slashes; at most 1024 bytes. @throws invalid_argument */
export function parseTagName(text: string, argument = 'tag'): TagName {
  const valid =
    text !== '' &&
    text !== '@' &&
    !text.endsWith('.') &&
    !text.endsWith('.lock') &&
    !text.includes('..') &&
    !text.includes('/') &&
    !text.includes('@{') &&
    !/[^!-\uffff]|[\^:?*[\\]/.test(text)
  if (!valid) throw invalid(argument, 'tag id must be a valid git-like tag name')
  refuseLonger(text, maxRefNameBytes, argument, 'tag id')
  return text as TagName
}

/**
 * As `parseTagName`, for a tag that is made: stricter than lakeFS, whose tags with `~`, `$` or `@` no ref expression can name (`v~1` is
 * the parent of `v`). Those that a repository brings along can still be looked up, listed and deleted.
 *
 * @throws invalid_argument
 */
export function parseNewTagName(text: string, argument: string): TagName {
  const name = parseTagName(text, argument)
  if (/[~$@]|\p{Cc}/u.test(name))
    throw invalid(argument, 'tag id must not contain "~", "$", "@" or control characters: no ref could name it')
  return name
}

/** Anything without ASCII blanks, at most 4096 bytes; what it means is for `parseExpression`. @throws invalid_argument */
export function parseRefExpression(text: string, argument = 'ref'): RefExpression {
  if (!/^[^\t\n\f\r ]+$/.test(text)) throw invalid(argument, 'ref must not be empty or contain whitespace')
  refuseLonger(text, maxExpressionBytes, argument, 'ref')
  return text as RefExpression
}

/** 1..1024 bytes, any bytes. @throws invalid_argument */
export function parseObjectPath(bytes: Uint8Array, argument = 'path'): ObjectPath {
  if (bytes.length === 0) throw invalid(argument, 'path must not be empty')
  if (bytes.length > maxPathBytes) throw invalid(argument, `path must not be longer than ${maxPathBytes} bytes`)
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function refuseLonger(text: string, maxBytes: number, argument: string, what: string): void {
  if (Buffer.byteLength(text) > maxBytes) throw invalid(argument, `${what} must not be longer than ${maxBytes} bytes`)
}

function invalid(argument: string, detail: string): DomainError {
  return new DomainError('invalid_argument', `argument ${argument}: ${detail}: invalid value: validation error`)
}
