/**
 * Names of objects in a storage: `data/<partition>/<object id>`, both 20 characters, in the shape lakeFS gives them, so that its
 * garbage collector can read their age.
 *
 * ```
 * object id   be32 unix seconds          ++ 8 random bytes
 * partition   be32 (year 4000 - seconds) ++ 8 random bytes     newer partitions sort first
 * text        base32hex, lower case, 96 bits + 4 zero bits -> 20 characters of 0-9a-v
 * ```
 * lakeFS fills the tail with machine, process and counter (xid); those collide between containers (pid 1) and isolates, and a put
 * would then overwrite silently, so ours are random.
 */
import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghijklmnopqrstuv'
const TAIL_BYTES = 8
/** 4000-01-01T00:00:00Z in Unix seconds, from which partitions count down. */
const YEAR_4000_SECONDS = 64_060_588_800

/** Twelve bytes as 20 base32hex characters. */
export function encodeBase32Hex(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let pending = 0
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(pending >>> bits) & 31]
    }
    pending &= (1 << bits) - 1
  }
  return bits > 0 ? text + ALPHABET[(pending << (5 - bits)) & 31] : text
}

function identifier(timeWord: number): string {
  const bytes = Buffer.allocUnsafe(4 + TAIL_BYTES)
  bytes.writeUInt32BE(timeWord >>> 0, 0)
  randomBytes(TAIL_BYTES).copy(bytes, 4)
  return encodeBase32Hex(bytes)
}

/** A fresh object id for `nowSeconds` (Unix seconds). */
export function objectId(nowSeconds: number): string {
  return identifier(nowSeconds % 2 ** 32)
}

/** The Unix seconds in an object id; null for what is none. */
export function objectIdSeconds(id: string): number | null {
  if (!/^[0-9a-v]{20}$/.test(id)) return null
  let bits = 0
  // Seven characters are 35 bits, more than the operators on bits can take.
  for (const character of id.slice(0, 7)) bits = bits * 32 + ALPHABET.indexOf(character)
  return Math.floor(bits / 8)
}

/** A fresh partition for `nowSeconds`. */
export function partitionId(nowSeconds: number): string {
  return identifier((YEAR_4000_SECONDS - nowSeconds) % 2 ** 32)
}
