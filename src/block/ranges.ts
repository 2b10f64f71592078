/** What every adapter answers alike: ranges, pages, absence. */
import { DomainError } from '../errors.ts'
import type { ByteRange, Location } from './adapter.ts'

/** Objects on a page of a listing when no limit is given; S3 never gives more. */
export const DEFAULT_PAGE_SIZE = 1000

/** A range cut to the object's size. @throws range_not_satisfiable when it is empty or starts at or past the end */
export function clampRange({ start, end }: ByteRange, totalBytes: number, location: Location): ByteRange {
  if (start < 0 || start >= totalBytes || end <= start) throw unsatisfiable(start, end, location)
  return { start, end: Math.min(end, totalBytes) }
}

/** The error of a range that holds no byte of its object. */
export function unsatisfiable(start: number, end: number, location: Location, cause?: unknown): DomainError {
  const message = `cannot read bytes ${start} to ${end} of "${location.uri}": the range holds no byte of it`
  return new DomainError('range_not_satisfiable', message, cause === undefined ? {} : { cause })
}

/** The error of an object that is not there. */
export function notFound(action: string, location: Location, cause?: unknown): DomainError {
  const message = `cannot ${action} "${location.uri}": not found`
  return new DomainError('storage_not_found', message, cause === undefined ? {} : { cause })
}
