/** Rules of multipart uploads that every adapter without a multipart of its own follows: S3's. */
import { DomainError } from '../errors.ts'
import type { Location, UploadedPart } from './adapter.ts'

/** S3's bounds for part numbers. */
export const MAX_PART_NUMBER = 10_000

/**
 * The stored parts that a completion names, in its order: at least one, numbers strictly ascending, each stored under that ETag.
 * Stored parts that it does not name are left out.
 * @throws invalid_argument
 */
export function assemble<Part extends { readonly eTag: string }>(
  stored: ReadonlyMap<number, Part>,
  named: readonly UploadedPart[],
  location: Location,
): Part[] {
  let previous = 0
  const chosen = named.map(({ partNumber, eTag }) => {
    const part = stored.get(partNumber)
    if (partNumber <= previous || part === undefined || part.eTag !== eTag) {
      const state = partNumber <= previous ? 'is out of order' : 'was not uploaded with this ETag'
      throw new DomainError('invalid_argument', `cannot complete "${location.uri}": part ${partNumber} ${state}`)
    }
    previous = partNumber
    return part
  })
  if (chosen.length === 0) {
    throw new DomainError('invalid_argument', `cannot complete "${location.uri}": no part is named`)
  }
  return chosen
}

/** Refuses part numbers outside 1..10000. @throws invalid_argument */
export function checkPartNumber(partNumber: number, location: Location): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PART_NUMBER) {
    throw new DomainError(
      'invalid_argument',
      `cannot store part ${partNumber} of "${location.uri}": part numbers are 1 to ${MAX_PART_NUMBER}`,
    )
  }
}
