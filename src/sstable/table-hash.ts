import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { copyBytes } from './block-builder.ts'
import { IdentWriter } from './ident.ts'

/** Small fields are gathered: hashing 256 KiB at a time costs less than half of hashing field by field. */
const gatherBytes = 256 * 1024
const bar = 0x7c
/** `4294967295|` and the like. */
const prefixBytes = 12

/**
 * A table's id as lakeFS computes it: SHA-256 over `decimal(length) bytes |` of every key and value in order, then over the
 * properties (`IdentWriter.map`).
 */
export class TableHash {
  readonly #hash = createHash('sha256')
  readonly #gathered: Buffer
  #size = 0

  /** @param gathered memory to gather in, reusable once `finish` has been called */
  constructor(gathered: Buffer = Buffer.allocUnsafeSlow(gatherBytes)) {
    this.#gathered = gathered
  }

  /** Takes in one field: a key or a value. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#size + length + prefixBytes > this.#gathered.length) this.#flush()
    this.#size = putDecimal(this.#gathered, this.#size, length)
    if (length + prefixBytes > this.#gathered.length) {
      this.#flush()
      this.#hash.update(bytes.subarray(start, end))
    } else this.#size = copyBytes(bytes, start, end, this.#gathered, this.#size)
    this.#gathered[this.#size++] = bar
  }

  /** The id, 64 lower-case hex characters. */
  finish(properties: Readonly<Record<string, string>>): string {
    this.#flush()
    return this.#hash.update(new IdentWriter().map(properties).preimage()).digest('hex')
  }

  #flush(): void {
    // `update` takes its input in before it returns, so the memory is free again.
    if (this.#size > 0) this.#hash.update(this.#gathered.subarray(0, this.#size))
    this.#size = 0
  }
}

function putDecimal(target: Uint8Array, at: number, value: number): number {
  let digits = 1
  for (let rest = value; rest >= 10; rest = (rest / 10) >>> 0) digits++
  for (let i = at + digits - 1, rest = value; i >= at; i--) {
    target[i] = 48 + (rest % 10)
    rest = (rest / 10) >>> 0
  }
  return at + digits
}
