/**
 * Addresses that are handed to clients to write to themselves, and come back when the object is linked: the client cannot make one up,
 * nor use one for another path, branch or repository.
 *
 * ```
 * data/<partition>/<object id>,<signature>      all of it is the object's key, as in lakeFS
 * signature   unpadded base64url of HMAC-SHA256(signing key, JSON {Repository, Branch, Path, PhysicalAddress})
 * ```
 * Unlike lakeFS's, ours is over the repository's uid, so that an address does not outlive its repository by name, and over the path
 * in hex, since paths are bytes. Only this installation reads its own signatures.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { DomainError } from '../errors.ts'
import type { BranchName, ObjectPath, RepositoryUid } from '../model.ts'
import { objectIdSeconds } from './object-id.ts'

/** How long an address may be linked, from the time in its object id: 24 hours, as in lakeFS. */
const VALID_SECONDS = 86_400

/** What an address may be linked to. */
export interface LinkTarget {
  readonly repositoryUid: RepositoryUid
  readonly branch: BranchName
  readonly path: ObjectPath
}

/** `address` (relative, without a signature) with its signature. */
export function signAddress(key: string, target: LinkTarget, address: string): string {
  return `${address},${signature(key, target, address)}`
}

/** Checks an address that a client wants to link. @throws address_invalid with lakeFS's texts */
export function verifySignedAddress(key: string, target: LinkTarget, signed: string, nowSeconds: number): void {
  const comma = signed.lastIndexOf(',')
  if (comma === -1) throw invalid('address is not signed: link address invalid')
  const address = signed.slice(0, comma)
  const given = Buffer.from(signed.slice(comma + 1))
  if (!/^[\w-]+$/.test(given.toString())) throw invalid('malformed address signature: not base64url')
  const wanted = Buffer.from(signature(key, target, address))
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw invalid('invalid address signature: invalid address')
  const bornSeconds = objectIdSeconds(address.slice(address.lastIndexOf('/') + 1))
  if (bornSeconds === null || nowSeconds - bornSeconds > VALID_SECONDS) throw invalid('link address expired')
}

function signature(key: string, { repositoryUid, branch, path }: LinkTarget, address: string): string {
  const claim = { Repository: repositoryUid, Branch: branch, Path: path.toString('hex'), PhysicalAddress: address }
  return createHmac('sha256', key).update(JSON.stringify(claim)).digest('base64url')
}

function invalid(text: string): DomainError {
  return new DomainError('address_invalid', text)
}
