/** What may be allowed (actions) and on what (resources), in lakeFS's policy language. */

type Fs =
  | 'ReadRepository'
  | 'CreateRepository'
  | 'UpdateRepository'
  | 'AttachStorageNamespace'
  | 'ImportFromStorage'
  | 'ImportCancel'
  | 'DeleteRepository'
  | 'ListRepositories'
  | 'ReadObject'
  | 'WriteObject'
  | 'DeleteObject'
  | 'ListObjects'
  | 'CreateCommit'
  | 'ReadCommit'
  | 'ListCommits'
  | 'CreateBranch'
  | 'DeleteBranch'
  | 'ReadBranch'
  | 'RevertBranch'
  | 'ListBranches'
  | 'CreateTag'
  | 'DeleteTag'
  | 'ReadTag'
  | 'ListTags'
  | 'ReadConfig'

type Auth =
  | 'ReadUser'
  | 'CreateUser'
  | 'DeleteUser'
  | 'ListUsers'
  | 'ReadGroup'
  | 'CreateGroup'
  | 'DeleteGroup'
  | 'ListGroups'
  | 'AddGroupMember'
  | 'RemoveGroupMember'
  | 'ReadPolicy'
  | 'CreatePolicy'
  | 'UpdatePolicy'
  | 'DeletePolicy'
  | 'ListPolicies'
  | 'AttachPolicy'
  | 'DetachPolicy'
  | 'ReadCredentials'
  | 'CreateCredentials'
  | 'DeleteCredentials'
  | 'ListCredentials'
  | 'CreateUserExternalPrincipal'
  | 'DeleteUserExternalPrincipal'
  | 'ReadExternalPrincipal'

type Retention =
  | 'PrepareGarbageCollectionCommits'
  | 'PrepareGarbageCollectionUncommitted'
  | 'GetGarbageCollectionRules'
  | 'SetGarbageCollectionRules'

/** Every action that an operation asks for. */
export type Action =
  | `fs:${Fs}`
  | `auth:${Auth}`
  | 'ci:ReadAction'
  | `retention:${Retention}`
  | 'branches:GetBranchProtectionRules'
  | 'branches:SetBranchProtectionRules'
  | 'pr:ReadPullRequest'
  | 'pr:WritePullRequest'
  | 'pr:ListPullRequests'

/** What a request needs: one action on one resource, or several of these. */
export type PermissionTree =
  | { readonly kind: 'permission'; readonly action: Action; readonly resource: string }
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly PermissionTree[] }

/** The resource of actions that are about nothing in particular. */
export const ANY_RESOURCE = '*'

export function permission(action: Action, resource: string): PermissionTree {
  return { kind: 'permission', action, resource }
}

export function allOf(...nodes: readonly PermissionTree[]): PermissionTree {
  return { kind: 'and', nodes }
}

export function repositoryResource(repository: string): string {
  return `arn:lakefs:fs:::repository/${repository}`
}

/** An object in every branch: lakeFS's resource has no branch in it. `path` in the form that policies are written in, UTF-8 text. */
export function objectResource(repository: string, path: string): string {
  return `${repositoryResource(repository)}/object/${path}`
}

export function branchResource(repository: string, branch: string): string {
  return `${repositoryResource(repository)}/branch/${branch}`
}

export function tagResource(repository: string, tag: string): string {
  return `${repositoryResource(repository)}/tag/${tag}`
}

/** @param uri storage namespace, or the source of an import */
export function namespaceResource(uri: string): string {
  return `arn:lakefs:fs:::namespace/${uri}`
}

export function authResource(kind: 'user' | 'group' | 'policy' | 'externalPrincipal', id: string): string {
  return `arn:lakefs:auth:::${kind}/${id}`
}

/** The actions that a tree names, in order. */
export function actionsOf(tree: PermissionTree): Action[] {
  return tree.kind === 'permission' ? [tree.action] : tree.nodes.flatMap(actionsOf)
}
