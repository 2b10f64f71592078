/** The one authorization function. Both protocols and both kinds of listing come through here. */
import { DomainError } from '../errors.ts'
import type { StorageId } from '../model.ts'
import type { Principal } from './identity.ts'
import { type Action, actionsOf, type PermissionTree } from './permissions.ts'

/** What conditions of policies may look at. */
export interface AuthorizationContext {
  /** The storage of the repository in question; null where there is none (yet). */
  readonly storageId: StorageId | null
  /** Null when not known: conditions on it are then false. */
  readonly sourceIp: string | null
}

/**
 * Passes when `principal` may do what `tree` says. The tree is only built when somebody has to look at it.
 *
 * Until there are policies, administrators may do everything and nobody else anything.
 *
 * @throws unauthorized with lakeFS's text, `insufficient permissions: not allowed to <actions>`
 */
export function authorize(principal: Principal, tree: () => PermissionTree, _context: AuthorizationContext): void {
  if (principal.administrator) return
  throw new DomainError('unauthorized', `insufficient permissions: not allowed to ${actionsOf(tree()).join(',')}`)
}

/**
 * Which resources a listing may show. Null: all of them, so that the page can be read without a filter.
 *
 * @throws unauthorized when no resource could ever pass
 */
export function listFilter(
  principal: Principal,
  action: Action,
  _context: AuthorizationContext,
): ((resource: string) => boolean) | null {
  if (principal.administrator) return null
  throw new DomainError('unauthorized', `insufficient permissions: not allowed to ${action}`)
}
