/** Access keys in the form that lakeFS's tools expect (its doctor warns about others). */
import { randomBytes } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What a client authenticates with. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A fresh pair: `AKIAJ` + 14 of `A-Z2-7` + `Q` (70 random bits), and 40 base64 characters (30 random bytes). */
export function generateAccessKey(): AccessKey {
  const letters = Array.from(randomBytes(14), (byte) => ALPHABET[byte & 31])
  return { accessKeyId: `AKIAJ${letters.join('')}Q`, secretAccessKey: randomBytes(30).toString('base64') }
}
