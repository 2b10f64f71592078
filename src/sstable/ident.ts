import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { grow } from './block-builder.ts'

/**
 * The preimage of lakeFS's content hashes: every value is preceded by its kind, so that different fields never run together.
 *
 * ```
 * int64(v)    02 08 be64(v)
 * bytes(b)    00 int64(length) b
 * string(s)   01 int64(byte length) s
 * strings(l)  03 int64(count) string…
 * map(m)      04 int64(count) (string(key) string(value))…   in byte order of the keys
 * embed(d)    05 bytes(d)                                    d: the digest of another preimage
 * ```
 */
export class IdentWriter {
  #bytes: Buffer = Buffer.allocUnsafe(512)
  #size = 0

  /** Two's complement; exact for safe integers. */
  int64(value: number): this {
    this.#makeRoom(10)
    const high = Math.floor(value / 2 ** 32)
    this.#bytes[this.#size] = 2
    this.#bytes[this.#size + 1] = 8
    this.#bytes.writeInt32BE(high, this.#size + 2)
    this.#size = this.#bytes.writeUInt32BE(value - high * 2 ** 32, this.#size + 6)
    return this
  }

  bytes(value: Uint8Array): this {
    this.#kind(0).int64(value.length).#makeRoom(value.length)
    this.#bytes.set(value, this.#size)
    this.#size += value.length
    return this
  }

  string(value: string): this {
    const length = Buffer.byteLength(value)
    this.#kind(1).int64(length).#makeRoom(length)
    this.#size += this.#bytes.write(value, this.#size)
    return this
  }

  strings(values: readonly string[]): this {
    this.#kind(3).int64(values.length)
    for (const value of values) this.string(value)
    return this
  }

  map(record: Readonly<Record<string, string>>): this {
    const keys = sortedKeys(record)
    this.#kind(4).int64(keys.length)
    for (const key of keys) this.string(key).string(record[key] ?? '')
    return this
  }

  embed(digest: Uint8Array): this {
    return this.#kind(5).bytes(digest)
  }

  /** The preimage so far; shares memory with the writer. */
  preimage(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  /** SHA-256 of the preimage, 32 bytes. */
  digest(): Buffer {
    return createHash('sha256').update(this.preimage()).digest()
  }

  #kind(kind: number): this {
    this.#makeRoom(1)
    this.#bytes[this.#size++] = kind
    return this
  }

  #makeRoom(bytes: number): void {
    if (this.#size + bytes > this.#bytes.length) this.#bytes = grow(this.#bytes, this.#size, this.#size + bytes)
  }
}

/** A record's keys in byte order of their UTF-8, which is not JavaScript's order beyond the Basic Multilingual Plane. */
export function sortedKeys(record: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(record)
  return keys.length < 2 ? keys : keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
