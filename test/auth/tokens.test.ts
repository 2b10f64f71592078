import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { createTokens } from '../../src/auth/tokens.ts'

const secret = 'the secret key'
const tokens = createTokens(secret, 60)
const nowSeconds = () => Math.floor(Date.now() / 1000)

function sign(claims: Record<string, unknown>, key = secret, alg = 'HS256'): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(key))
}

test('an issued token has the claims of lakeFS and verifies', async () => {
  const { token, expiresAtSeconds } = await tokens.issue('jo')
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  expect(claims).toMatchObject({ iss: 'auth', aud: 'login', sub: 'jo', exp: expiresAtSeconds })
  expect(claims.exp - claims.iat).toBe(60)
  expect(claims.jti).toMatch(/^[0-9a-f-]{36}$/)
  expect(await tokens.verify(token)).toEqual({ userName: 'jo', expiresAtSeconds })
})

test('tokens of lakeFS verify: other HMAC sizes, empty audience', async () => {
  const exp = nowSeconds() + 50
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    expect(await tokens.verify(await sign({ sub: 'jo', exp }, secret, alg))).toEqual({
      userName: 'jo',
      expiresAtSeconds: exp,
    })
  }
  expect((await tokens.verify(await sign({ sub: 'jo', exp, aud: '' }))).userName).toBe('jo')
})

test('what does not prove a login is unauthenticated', async () => {
  const exp = nowSeconds() + 50
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(`{"sub":"jo","exp":${exp}}`).toString('base64url')}.`
  const bad = {
    'another key': await sign({ sub: 'jo', exp }, 'other'),
    expired: await sign({ sub: 'jo', exp: nowSeconds() - 1 }),
    'no expiry': await sign({ sub: 'jo' }),
    'another audience': await sign({ sub: 'jo', exp, aud: 'reset_password' }),
    'no subject': await sign({ exp }),
    'empty subject': await sign({ sub: '', exp }),
    unsigned,
    empty: '',
    noise: 'x.y.z',
  }
  for (const [reason, token] of Object.entries(bad)) {
    await expect(tokens.verify(token), reason).rejects.toMatchObject({ code: 'unauthenticated' })
  }
})
