import { expect, test } from 'vitest'
import { DomainError } from '../../src/errors.ts'
import type { BranchName, RepositoryUid } from '../../src/model.ts'
import { objectId, objectIdSeconds } from '../../src/upload/object-id.ts'
import { signAddress, verifySignedAddress } from '../../src/upload/signed-address.ts'

const target = {
  repositoryUid: '00000000-0000-4000-8000-000000000001' as RepositoryUid,
  branch: 'main' as BranchName,
  path: Buffer.from([0x61, 0xff]),
}
const bornSeconds = 1_700_000_000
const signed = signAddress('key', target, `data/gjth4001081g81860s40/${objectId(bornSeconds)}`)

function refused(key: string, given: Partial<typeof target>, address: string, nowSeconds: number): string {
  try {
    verifySignedAddress(key, { ...target, ...given }, address, nowSeconds)
    return 'taken'
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'address_invalid') throw error
    return error.message
  }
}

test('an object id tells its time, in the vector of the format too', () => {
  expect(objectIdSeconds('cl9v2001081g81860s40')).toBe(bornSeconds)
  expect(objectIdSeconds(objectId(4_294_967_295))).toBe(4_294_967_295)
  for (const id of ['', 'cl9v2001081g81860s4', 'CL9V2001081G81860S40', 'wl9v2001081g81860s40'])
    expect(objectIdSeconds(id)).toBeNull()
})

test('an address is good for 24 hours', () => {
  expect(refused('key', {}, signed, bornSeconds)).toBe('taken')
  expect(refused('key', {}, signed, bornSeconds + 86_400)).toBe('taken')
  expect(refused('key', {}, signed, bornSeconds + 86_401)).toBe('link address expired')
})

test('an address is good under its key, repository, branch and path alone, byte for byte', () => {
  const wrong = 'invalid address signature: invalid address'
  expect(refused('other', {}, signed, bornSeconds)).toBe(wrong)
  expect(refused('key', { repositoryUid: '00000000-0000-4000-8000-000000000002' as RepositoryUid }, signed, 0)).toBe(
    wrong,
  )
  expect(refused('key', { branch: 'mai' as BranchName }, signed, 0)).toBe(wrong)
  expect(refused('key', { path: Buffer.from([0x61, 0xfe]) }, signed, 0)).toBe(wrong)
  expect(refused('key', {}, signed.replace('data/g', 'data/h'), 0)).toBe(wrong)
  expect(refused('key', {}, signed.replace(/,.*/, ','), 0)).toBe('malformed address signature: not base64url')
})
