/** What the operating system's refusals mean to a storage. */
import type { Location } from '../../src/block/adapter.ts'
import { notFound } from '../../src/block/ranges.ts'
import { DomainError, type ErrorCode, isDomainError } from '../../src/errors.ts'

/** The error's code (`ENOENT`, …), or `""`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

const MEANINGS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EACCES: ['storage_forbidden', 'the file system denies access'],
  EPERM: ['storage_forbidden', 'the file system does not permit it'],
  EROFS: ['storage_forbidden', 'the file system is read-only'],
  ENOSPC: ['storage_full', 'no space left on the disk'],
  EDQUOT: ['storage_full', 'the disk quota is used up'],
  EFBIG: ['storage_full', 'the file is larger than the file system allows'],
  EEXIST: ['storage_exists', 'it exists'],
  ENAMETOOLONG: ['address_invalid', 'the path, or one of its segments, is longer than the file system allows'],
  EISDIR: ['address_invalid', 'there is a folder of this name'],
  ENOTEMPTY: ['address_invalid', 'there is a folder of this name'],
  ENOTDIR: ['address_invalid', 'a part of the path is a file'],
  ELOOP: ['address_invalid', 'symbolic links on the path are refused'],
}

/** Translates a failed system call; `DomainError`s pass. */
export function diskError(action: string, location: Location, cause: unknown): DomainError {
  if (isDomainError(cause)) return cause
  const errno = errnoOf(cause)
  if (errno === 'ENOENT') return notFound(action, location, cause)
  const [code, state] = MEANINGS[errno] ?? ['storage_unavailable', cause instanceof Error ? cause.message : 'failed']
  return new DomainError(code, `cannot ${action} "${location.uri}": ${state}`, { cause })
}

/** As `diskError` for reads, where a folder, or a file in place of one, only means that the object is not there. */
export function readError(action: string, location: Location, cause: unknown): DomainError {
  const errno = errnoOf(cause)
  if (errno === 'EISDIR' || errno === 'ENOTDIR' || errno === 'ENAMETOOLONG') return notFound(action, location, cause)
  return diskError(action, location, cause)
}
