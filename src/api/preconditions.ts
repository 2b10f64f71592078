/** Conditions on writes. */
import { DomainError } from '../errors.ts'
import type { ApiRequest } from './request.ts'

/** True for `If-None-Match: *`. @throws not_implemented for any other precondition, as lakeFS answers */
export function onlyIfAbsent(request: ApiRequest): boolean {
  const none = request.header('if-none-match')
  if (request.header('if-match') !== null || (none !== null && none !== '*')) {
    throw new DomainError('not_implemented', 'cannot upload with this precondition: only If-None-Match: * is supported')
  }
  return none === '*'
}
