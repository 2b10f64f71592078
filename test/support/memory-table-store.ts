import type { TableStore } from '../../src/committed/table-store.ts'
import { DomainError } from '../../src/errors.ts'

/** Tables in a map, with what was asked of it. */
export interface MemoryTableStore extends TableStore {
  readonly files: Map<string, Uint8Array>
  /** Reads so far, tails included. */
  reads: number
  readBytes: number
  /** Ids written, in order. */
  readonly written: string[]
}

let spaces = 0

export function memoryTableStore(files: Iterable<readonly [string, Uint8Array]> = []): MemoryTableStore {
  const map = new Map(files)
  function file(id: string): Uint8Array {
    const bytes = map.get(id)
    if (bytes === undefined) throw new DomainError('storage_not_found', `cannot read "${id}": no such table`)
    return bytes
  }
  const store: MemoryTableStore = {
    space: `memory ${spaces++}`,
    files: map,
    reads: 0,
    readBytes: 0,
    written: [],
    async readTail(id, bytes) {
      const whole = file(id)
      const tail = whole.slice(Math.max(0, whole.length - bytes))
      store.reads++
      store.readBytes += tail.length
      return { bytes: tail, totalBytes: whole.length }
    },
    async read(id, start, end) {
      const bytes = file(id).slice(start, end)
      if (bytes.length !== end - start) throw new DomainError('corrupt', `cannot read "${id}": the file is cut off`)
      store.reads++
      store.readBytes += bytes.length
      return bytes
    },
    async write(id, bytes) {
      store.written.push(id)
      map.set(id, Uint8Array.from(bytes))
    },
  }
  return store
}
