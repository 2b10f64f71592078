import fc from 'fast-check'
import { expect, test } from 'vitest'
import { generateAccessKey } from '../../src/auth/keys.ts'
import { createSealer } from '../../src/auth/seal.ts'

const sealer = createSealer('a secret key')

test('a sealed secret opens for its access key, with the same secret key, also in another process', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (accessKeyId, secret) => {
      const sealed = sealer.seal(accessKeyId, secret)
      expect(sealer.unseal(accessKeyId, new Uint8Array(sealed))).toBe(secret)
      expect(sealer.seal(accessKeyId, secret).equals(sealed)).toBe(false)
      expect(sealed.includes(Buffer.from(secret)) && secret.length > 3).toBe(false)
    }),
  )
  expect(createSealer('a secret key').unseal('AK', sealer.seal('AK', 'hidden'))).toBe('hidden')
})

test('it opens for nobody else', () => {
  const sealed = sealer.seal('AKIA1', 'hidden')
  expect(() => sealer.unseal('AKIA2', sealed)).toThrow('it was altered')
  expect(() => createSealer('another').unseal('AKIA1', sealed)).toThrow('another auth.encrypt.secret_key')
  for (let at = 0; at < sealed.length; at++) {
    const altered = Buffer.from(sealed)
    altered[at] = (altered[at] ?? 0) ^ 1
    expect(() => sealer.unseal('AKIA1', altered), `byte ${at}`).toThrow('cannot open the secret of "AKIA1"')
  }
  for (let length = 0; length < sealed.length; length++) {
    expect(() => sealer.unseal('AKIA1', sealed.subarray(0, length))).toThrow('cannot open')
  }
})

test('access keys have the form that lakectl doctor expects', () => {
  const made = Array.from({ length: 200 }, generateAccessKey)
  for (const { accessKeyId, secretAccessKey } of made) {
    expect(accessKeyId).toMatch(/^AKIAJ[A-Z2-7]{14}Q$/)
    expect(secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/)
  }
  expect(new Set(made.map(({ accessKeyId }) => accessKeyId)).size).toBe(200)
})
