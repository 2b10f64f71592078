/** The parts of protobuf's wire format that the records of a repository use. */
import { Buffer } from 'node:buffer'
import { DomainError } from '../errors.ts'
import type { Timestamp } from '../model.ts'

/** Protobuf wire types. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/**
 * Reads one message field by field: `while (reader.next()) switch (reader.field) …`, taking each value by exactly one of
 * `int`, `bytes`, `text`, `skip`, `rawField`.
 *
 * ```
 * uvarint(field << 3 | wire type)  value     varint: uvarint; bytes: uvarint(length) bytes; fixed64, fixed32: 8, 4 bytes
 * ```
 */
export class MessageReader {
  field = 0
  wireType = 0
  readonly #source: Buffer
  #at: number
  /** Where the current field's tag begins. */
  #fieldStart = 0
  readonly #end: number

  constructor(source: Buffer, start = 0, end = source.length) {
    this.#source = source
    this.#at = start
    this.#end = end
  }

  /** Moves to the next field; false at the end. @throws corrupt */
  next(): boolean {
    if (this.#at >= this.#end) return false
    this.#fieldStart = this.#at
    const tag = this.int()
    this.field = Math.floor(tag / 8)
    this.wireType = tag % 8
    if (this.field < 1) throw malformed()
    return true
  }

  /** A varint as a signed 64-bit number; the nearest double beyond 53 bits. @throws corrupt */
  int(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      if (this.#at >= this.#end) throw malformed()
      const byte = this.#source[this.#at++] as number
      if (factor === 2 ** 63) return byte === 1 ? this.#negative() : this.#reject()
      value += (byte & 0x7f) * factor
      if (byte < 128) return value
    }
    throw malformed()
  }

  /** A length-delimited value, a view of the message. @throws corrupt */
  bytes(): Buffer {
    const start = this.#enter()
    return this.#source.subarray(start, this.#at)
  }

  /** A length-delimited value as UTF-8 text. @throws corrupt */
  text(): string {
    const start = this.#enter()
    return this.#source.toString('utf8', start, this.#at)
  }

  /** A length-delimited value as a message of its own. @throws corrupt */
  message(): MessageReader {
    const start = this.#enter()
    return new MessageReader(this.#source, start, this.#at)
  }

  /** `google.protobuf.Timestamp`: 1 seconds int64, 2 nanos int32. @throws corrupt */
  timestamp(): Timestamp {
    const message = this.message()
    let seconds = 0
    let nanos = 0
    while (message.next()) {
      if (message.field === 1) seconds = message.int()
      else if (message.field === 2) nanos = message.int()
      else message.skip()
    }
    return { seconds, nanos }
  }

  /** One `map<string,string>` entry: 1 key, 2 value, either possibly missing. @throws corrupt */
  mapEntry(target: Record<string, string>): void {
    const message = this.message()
    let key = ''
    let value = ''
    while (message.next()) {
      if (message.field === 1) key = message.text()
      else if (message.field === 2) value = message.text()
      else message.skip()
    }
    // A key named __proto__ must become a key like any other.
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  }

  /** Passes over a value of any wire type. @throws corrupt */
  skip(): void {
    if (this.wireType === wire.varint) this.int()
    else if (this.wireType === wire.bytes) this.#enter()
    else if (this.wireType === wire.fixed64) this.#advance(8)
    else if (this.wireType === wire.fixed32) this.#advance(4)
    else throw malformed()
  }

  /** Passes over a value as `skip` does and answers the whole field, tag included: a view of the message. @throws corrupt */
  rawField(): Buffer {
    this.skip()
    return this.#source.subarray(this.#fieldStart, this.#at)
  }

  #enter(): number {
    if (this.wireType !== wire.bytes) throw malformed()
    const length = this.int()
    const start = this.#at
    this.#advance(length)
    return start
  }

  #advance(bytes: number): void {
    if (bytes < 0 || bytes > this.#end - this.#at) throw malformed()
    this.#at += bytes
  }

  /** The ten bytes just read have the sign bit set: reads them again as two's complement. */
  #negative(): number {
    let low = 0
    let high = 0
    const start = this.#at - 10
    for (let i = 0; i < 10; i++) {
      const bits = (this.#source[start + i] as number) & 0x7f
      const shift = 7 * i
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high |= bits >>> 4
      } else high |= bits << (shift - 32)
    }
    return high * 2 ** 32 + (low >>> 0)
  }

  #reject(): never {
    throw malformed()
  }
}

/** Writes one message, fields in the order of the calls. Scalars and strings with the default value are left out, as proto3 does. */
export class MessageWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256)
  #size = 0

  /** A varint field; negative numbers take ten bytes. */
  int(field: number, value: number): this {
    return value === 0 ? this : this.#tag(field, wire.varint).#varint(value)
  }

  text(field: number, value: string): this {
    return value === '' ? this : this.#text(field, value)
  }

  bytes(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.#bytesField(field, value)
  }

  /** Always written, even when it is the epoch. */
  timestamp(field: number, value: Timestamp): this {
    const message = new MessageWriter().int(1, value.seconds).int(2, value.nanos)
    return this.#bytesField(field, message.finish())
  }

  /** A `map<string,string>` in byte order of its keys, both parts of each entry always written. */
  map(field: number, value: Readonly<Record<string, string>>, keys: readonly string[]): this {
    for (const key of keys) {
      const entry = new MessageWriter().#text(1, key).#text(2, value[key] ?? '')
      this.#bytesField(field, entry.finish())
    }
    return this
  }

  texts(field: number, values: readonly string[]): this {
    for (const value of values) this.#text(field, value)
    return this
  }

  /** Whole fields as they are, see `MessageReader.rawField`. */
  rawFields(fields: Uint8Array): this {
    this.#makeRoom(fields.length)
    this.#bytes.set(fields, this.#size)
    this.#size += fields.length
    return this
  }

  /** The message; shares memory with the writer. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  #text(field: number, value: string): this {
    const length = Buffer.byteLength(value)
    this.#tag(field, wire.bytes).#varint(length).#makeRoom(length)
    this.#size += this.#bytes.write(value, this.#size)
    return this
  }

  #bytesField(field: number, value: Uint8Array): this {
    this.#tag(field, wire.bytes).#varint(value.length).#makeRoom(value.length)
    this.#bytes.set(value, this.#size)
    this.#size += value.length
    return this
  }

  #tag(field: number, wireType: number): this {
    return this.#varint(field * 8 + wireType)
  }

  #varint(value: number): this {
    this.#makeRoom(10)
    // Two's complement in two halves, so that negative numbers come out as 64 bits.
    let high = Math.floor(value / 2 ** 32)
    let low = value - high * 2 ** 32
    high >>>= 0
    while (high > 0 || low > 127) {
      this.#bytes[this.#size++] = (low & 0x7f) | 0x80
      low = (low >>> 7) + (high & 0x7f) * 2 ** 25
      high >>>= 7
    }
    this.#bytes[this.#size++] = low
    return this
  }

  #makeRoom(bytes: number): void {
    if (this.#size + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#size + bytes))
    larger.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = larger
  }
}

function malformed(): DomainError {
  return new DomainError('corrupt', 'cannot read record: its protobuf is malformed')
}
