/** Operation → what it needs. A new operation of the contract does not compile until it has its line. */
import {
  type Action,
  ANY_RESOURCE,
  allOf,
  authResource,
  branchResource,
  objectResource,
  type PermissionTree,
  permission,
  repositoryResource,
  tagResource,
} from '../auth/permissions.ts'
import type { OperationId } from './operations.gen.ts'
import type { ApiRequest, PathParameter } from './request.ts'

/** Where the name of the resource is found: in the path, or (`object`, `external_principal`) in the query. */
type ResourceForm =
  | 'any'
  | 'repository'
  | 'object'
  | 'symlink'
  | 'external_principal'
  | `branch:${PathParameter}`
  | 'tag'
  | 'user'
  | 'group'
  | 'policy'

/**
 * - `open`: nobody need be known.
 * - `authenticated`: any user.
 * - `handler`: what is needed stands in the body or in a record, so the handler calls `request.authorize` or `request.listFilter`.
 * - a list: all of these.
 */
export type PermissionRule = 'open' | 'authenticated' | 'handler' | readonly (readonly [Action, ResourceForm])[]

const dump: PermissionRule = [
  ['fs:ListTags', 'repository'],
  ['fs:ListBranches', 'repository'],
  ['fs:ListCommits', 'repository'],
]
const restore: PermissionRule = [
  ['fs:CreateTag', 'repository'],
  ['fs:CreateBranch', 'repository'],
  ['fs:CreateCommit', 'repository'],
]
const readMetadataFile: PermissionRule = [
  ['fs:ListObjects', 'repository'],
  ['fs:ReadRepository', 'repository'],
]
const readObject: PermissionRule = [['fs:ReadObject', 'object']]
const writeObject: PermissionRule = [['fs:WriteObject', 'object']]
const createCommit: PermissionRule = [['fs:CreateCommit', 'branch:branch']]
const revertBranch: PermissionRule = [['fs:RevertBranch', 'branch:branch']]
const listObjects: PermissionRule = [['fs:ListObjects', 'repository']]
const readActions: PermissionRule = [['ci:ReadAction', 'repository']]
const readProtection: PermissionRule = [['branches:GetBranchProtectionRules', 'repository']]
const setProtection: PermissionRule = [['branches:SetBranchProtectionRules', 'repository']]
const readRetention: PermissionRule = [['retention:GetGarbageCollectionRules', 'repository']]
const setRetention: PermissionRule = [['retention:SetGarbageCollectionRules', 'repository']]
const prepareCommits: PermissionRule = [['retention:PrepareGarbageCollectionCommits', 'repository']]
const updateRepository: PermissionRule = [['fs:UpdateRepository', 'repository']]
const readUser: PermissionRule = [['auth:ReadUser', 'user']]
const readGroup: PermissionRule = [['auth:ReadGroup', 'group']]

export const permissions: Record<OperationId, PermissionRule> = {
  setupCommPrefs: 'open',
  getSetupState: 'open',
  setup: 'open',
  getCurrentUser: 'open',
  login: 'open',
  externalPrincipalLogin: 'open',
  stsLogin: 'open',
  getAuthCapabilities: 'open',
  healthCheck: 'open',
  oauthCallback: 'open',

  getConfig: 'authenticated',
  getLakeFSVersion: 'authenticated',
  getStorageConfig: [['fs:ReadConfig', 'any']],
  getGarbageCollectionConfig: 'authenticated',
  postStatsEvents: 'authenticated',
  getUsageReportSummary: 'authenticated',

  listUsers: [['auth:ListUsers', 'any']],
  createUser: 'handler',
  getUser: readUser,
  deleteUser: [['auth:DeleteUser', 'user']],
  listGroups: [['auth:ListGroups', 'any']],
  createGroup: 'handler',
  getGroup: readGroup,
  deleteGroup: [['auth:DeleteGroup', 'group']],
  listPolicies: [['auth:ListPolicies', 'any']],
  createPolicy: 'handler',
  getPolicy: [['auth:ReadPolicy', 'policy']],
  updatePolicy: [['auth:UpdatePolicy', 'policy']],
  deletePolicy: [['auth:DeletePolicy', 'policy']],
  listGroupMembers: readGroup,
  addGroupMembership: [['auth:AddGroupMember', 'group']],
  deleteGroupMembership: [['auth:RemoveGroupMember', 'group']],
  listUserCredentials: [['auth:ListCredentials', 'user']],
  createCredentials: [['auth:CreateCredentials', 'user']],
  deleteCredentials: [['auth:DeleteCredentials', 'user']],
  getCredentials: [['auth:ReadCredentials', 'user']],
  listUserGroups: readUser,
  listUserPolicies: readUser,
  listUserExternalPrincipals: readUser,
  // The policy itself is not part of what is checked: as in lakeFS, who may attach may attach any.
  attachPolicyToUser: [['auth:AttachPolicy', 'user']],
  detachPolicyFromUser: [['auth:DetachPolicy', 'user']],
  listGroupPolicies: readGroup,
  attachPolicyToGroup: [['auth:AttachPolicy', 'group']],
  detachPolicyFromGroup: [['auth:DetachPolicy', 'group']],
  createUserExternalPrincipal: [['auth:CreateUserExternalPrincipal', 'user']],
  deleteUserExternalPrincipal: [['auth:DeleteUserExternalPrincipal', 'user']],
  getExternalPrincipal: [['auth:ReadExternalPrincipal', 'external_principal']],
  setGroupACL: 'handler',
  getGroupACL: 'handler',

  listRepositories: 'handler',
  createRepository: 'handler',
  getRepository: [['fs:ReadRepository', 'repository']],
  deleteRepository: [['fs:DeleteRepository', 'repository']],
  getRepositoryMetadata: [['fs:ReadRepository', 'repository']],
  setRepositoryMetadata: updateRepository,
  deleteRepositoryMetadata: updateRepository,
  getGCRules: readRetention,
  setGCRules: setRetention,
  deleteGCRules: setRetention,
  internalGetGarbageCollectionRules: readRetention,
  internalSetGarbageCollectionRules: setRetention,
  internalDeleteGarbageCollectionRules: setRetention,
  setGarbageCollectionRulesPreflight: setRetention,
  prepareGarbageCollectionCommits: prepareCommits,
  prepareGarbageCollectionCommitsAsync: prepareCommits,
  prepareGarbageCollectionCommitsStatus: prepareCommits,
  prepareGarbageCollectionUncommitted: [['retention:PrepareGarbageCollectionUncommitted', 'repository']],
  getBranchProtectionRules: readProtection,
  setBranchProtectionRules: setProtection,
  internalGetBranchProtectionRules: readProtection,
  internalCreateBranchProtectionRule: setProtection,
  internalDeleteBranchProtectionRule: setProtection,
  createBranchProtectionRulePreflight: setProtection,
  dumpRefs: dump,
  dumpSubmit: dump,
  dumpStatus: dump,
  restoreRefs: restore,
  restoreSubmit: restore,
  restoreStatus: restore,
  getMetadataObject: readMetadataFile,
  getMetaRange: readMetadataFile,
  getRange: readMetadataFile,
  createSymlinkFile: [['fs:WriteObject', 'symlink']],
  listRepositoryRuns: readActions,
  getRun: readActions,
  listRunHooks: readActions,
  getRunHookOutput: readActions,

  listTags: [['fs:ListTags', 'repository']],
  createTag: 'handler',
  getTag: [['fs:ReadTag', 'tag']],
  deleteTag: [['fs:DeleteTag', 'tag']],
  listBranches: [['fs:ListBranches', 'repository']],
  createBranch: 'handler',
  getBranch: [['fs:ReadBranch', 'branch:branch']],
  deleteBranch: [['fs:DeleteBranch', 'branch:branch']],
  resetBranch: revertBranch,
  hardResetBranch: revertBranch,
  revertBranch,
  commit: createCommit,
  CreateCommitRecord: [['fs:CreateCommit', 'repository']],
  cherryPick: [
    ['fs:CreateCommit', 'branch:branch'],
    ['fs:ReadCommit', 'repository'],
  ],
  mergeIntoBranch: [['fs:CreateCommit', 'branch:destinationBranch']],
  findMergeBase: [['fs:ListCommits', 'repository']],
  getCommit: [['fs:ReadCommit', 'repository']],
  logCommits: [['fs:ReadBranch', 'branch:ref']],
  diffBranch: listObjects,
  diffRefs: listObjects,

  getObject: readObject,
  headObject: readObject,
  statObject: readObject,
  getUnderlyingProperties: readObject,
  listObjects,
  uploadObject: writeObject,
  uploadObjectPreflight: writeObject,
  stageObject: writeObject,
  getPhysicalAddress: writeObject,
  linkPhysicalAddress: writeObject,
  createPresignMultipartUpload: writeObject,
  uploadPart: writeObject,
  uploadPartCopy: 'handler',
  completePresignMultipartUpload: writeObject,
  abortPresignMultipartUpload: writeObject,
  updateObjectUserMetadata: writeObject,
  copyObject: 'handler',
  deleteObject: [['fs:DeleteObject', 'object']],
  deleteObjects: 'handler',
  importStart: 'handler',
  importStatus: [['fs:ReadBranch', 'branch:branch']],
  importCancel: [['fs:ImportCancel', 'branch:branch']],

  listPullRequests: [['pr:ListPullRequests', 'repository']],
  createPullRequest: [['pr:WritePullRequest', 'repository']],
  getPullRequest: [['pr:ReadPullRequest', 'repository']],
  updatePullRequest: [['pr:WritePullRequest', 'repository']],
  mergePullRequest: 'handler',
}

/** The permissions that a rule asks of one request. @throws invalid_argument for parameters that are missing or malformed */
export function permissionTree(
  rule: readonly (readonly [Action, ResourceForm])[],
  request: ApiRequest,
): PermissionTree {
  const nodes = rule.map(([action, form]) => permission(action, resourceOf(form, request)))
  const [only] = nodes
  return nodes.length === 1 && only !== undefined ? only : allOf(...nodes)
}

function resourceOf(form: ResourceForm, request: ApiRequest): string {
  switch (form) {
    case 'any':
      return ANY_RESOURCE
    case 'repository':
      return repositoryResource(request.param('repository'))
    case 'object':
      return objectResource(request.param('repository'), request.query.requiredBytes('path').toString('utf8'))
    case 'symlink':
      // lakeFS takes the branch's name for the object's key here.
      return objectResource(request.param('repository'), request.param('branch'))
    case 'tag':
      return tagResource(request.param('repository'), request.param('tag'))
    case 'user':
      return authResource('user', request.param('userId'))
    case 'group':
      return authResource('group', request.param('groupId'))
    case 'policy':
      return authResource('policy', request.param('policyId'))
    case 'external_principal':
      return authResource('externalPrincipal', request.query.requiredText('principalId'))
    default:
      return branchResource(request.param('repository'), request.param(branchParameter(form)))
  }
}

function branchParameter(form: `branch:${PathParameter}`): PathParameter {
  return form.slice('branch:'.length) as PathParameter
}
