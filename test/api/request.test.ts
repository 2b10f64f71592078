import { expect, test } from 'vitest'
import { ApiRequest } from '../../src/api/request.ts'
import { permission, repositoryResource } from '../../src/auth/permissions.ts'

test('everything that was asked before the versions are known is asked again', async () => {
  const administrator = { name: 'a', friendlyName: null, email: null, createdAtSeconds: 0, administrator: true }
  const authenticated = {
    principal: administrator,
    authVersion: '1',
    revalidate() {
      this.principal = { ...administrator, administrator: false }
    },
  }
  const route = { operation: 'createTag', names: ['repository'], values: ['r'] } as const
  const raw = new Request('http://localhost/')
  const request = new ApiRequest(raw, 'id', { peerAddress: null }, route, '', authenticated)
  const resource = repositoryResource('r')
  request.authorize(() => permission('fs:CreateTag', resource))
  request.authorize(() => permission('fs:ReadCommit', resource))
  const again = async () => request.checkVersions({ authVersion: '2' })
  await expect(again()).rejects.toMatchObject({
    code: 'unauthorized',
    message: expect.stringContaining('fs:CreateTag'),
  })
})
