/**
 * Secrets at rest. They must be recoverable, since an S3 signature is checked with the secret itself.
 *
 * ```
 * offset  bytes
 *      0      1  format version, 1
 *      1      4  key id: which `auth.encrypt.secret_key` sealed it
 *      5     12  nonce
 *     17      n  AES-256-GCM of the secret's UTF-8
 *   17+n     16  tag
 * ```
 * The associated data is the access key id, so that a sealed secret moved to another row does not open. The key is
 * scrypt(`auth.encrypt.secret_key`, N=16384, r=8, p=1); the key id is 4 of the bytes after it.
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { DomainError } from '../errors.ts'

const VERSION = 1
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES
const SALT = 'interlaken/credential-seal/v1'

export interface Sealer {
  seal(accessKeyId: string, secret: string): Buffer
  /** @throws corrupt when it was sealed with another secret key, belongs to another access key or was altered */
  unseal(accessKeyId: string, sealed: Uint8Array): string
}

/** Seals with a key made from `auth.encrypt.secret_key`, at the first use: some 50 ms. */
export function createSealer(secretKey: string): Sealer {
  let derived: { key: Buffer; id: Buffer } | undefined
  function keys(): { key: Buffer; id: Buffer } {
    if (derived === undefined) {
      const bytes = scryptSync(secretKey, SALT, 32 + KEY_ID_BYTES, { N: 16384, r: 8, p: 1 })
      derived = { key: bytes.subarray(0, 32), id: bytes.subarray(32) }
    }
    return derived
  }
  return {
    seal(accessKeyId, secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keys().key, nonce)
      cipher.setAAD(Buffer.from(accessKeyId))
      const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), keys().id, nonce, ciphertext, cipher.getAuthTag()])
    },
    unseal(accessKeyId, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
      if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== VERSION) {
        throw new DomainError('corrupt', `cannot open the secret of "${accessKeyId}": unknown format`)
      }
      if (!bytes.subarray(1, 1 + KEY_ID_BYTES).equals(keys().id)) {
        throw new DomainError(
          'corrupt',
          `cannot open the secret of "${accessKeyId}": it was sealed with another auth.encrypt.secret_key`,
        )
      }
      const nonce = bytes.subarray(1 + KEY_ID_BYTES, HEADER_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', keys().key, nonce)
      decipher.setAAD(Buffer.from(accessKeyId))
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
      try {
        const opened = [decipher.update(bytes.subarray(HEADER_BYTES, bytes.length - TAG_BYTES)), decipher.final()]
        return Buffer.concat(opened).toString('utf8')
      } catch (cause) {
        throw new DomainError('corrupt', `cannot open the secret of "${accessKeyId}": it was altered`, { cause })
      }
    },
  }
}
