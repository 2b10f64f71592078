/**
 * What names may look like, with lakeFS's rules and texts (`argument <name>: <detail>: invalid value: validation error`).
 * Each function brands a string for the rooms below, once, at the edge.
 */
import { DomainError } from '../errors.ts'
import type { BranchName, ObjectPath, RefExpression, RepositoryName, TagName } from '../model.ts'

/** lakeFS's limit on an object path, in bytes. */
const maxPathBytes = 1024

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

/** Letters, digits, `_` and `-` of ASCII, no `-` in front; any length. @throws invalid_argument */
export function parseBranchName(text: string, argument = 'branch'): BranchName {
  if (!/^[A-Za-z0-9_][-A-Za-z0-9_]*$/.test(text)) {
    throw invalid(
      argument,
      'branch id must consist of letters, digits, underscores and dashes, and cannot start with a dash',
    )
  }
  return text as BranchName
}

/** Git's rules for a ref name without slashes. @throws invalid_argument */
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
  return text as TagName
}

/** Anything without ASCII blanks; what it means is for `parseExpression`. @throws invalid_argument */
export function parseRefExpression(text: string, argument = 'ref'): RefExpression {
  if (!/^[^\t\n\f\r ]+$/.test(text)) throw invalid(argument, 'ref must not be empty or contain whitespace')
  return text as RefExpression
}

/** 1..1024 bytes, any bytes. @throws invalid_argument */
export function parseObjectPath(bytes: Uint8Array, argument = 'path'): ObjectPath {
  if (bytes.length === 0) throw invalid(argument, 'path must not be empty')
  if (bytes.length > maxPathBytes) throw invalid(argument, `path must not be longer than ${maxPathBytes} bytes`)
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function invalid(argument: string, detail: string): DomainError {
  return new DomainError('invalid_argument', `argument ${argument}: ${detail}: invalid value: validation error`)
}
