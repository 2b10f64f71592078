import { Buffer } from 'node:buffer'
import type { BlockAdapter, GetResult, Location } from '../block/adapter.ts'
import { DomainError } from '../errors.ts'
import type { StorageId, StorageNamespace } from '../model.ts'

/** Where a repository's ranges and metaranges lie. Tables never change: what was read under an id stays true. */
export interface TableStore {
  /** Names the storage, namespace and prefix: tables of the same id in different spaces have nothing to do with each other. */
  readonly space: string
  /** The last `bytes` bytes (all of a smaller file) and the file's size. @throws storage_not_found when there is no such table */
  readTail(id: string, bytes: number): Promise<{ readonly bytes: Uint8Array; readonly totalBytes: number }>
  /** Bytes `start` (inclusive) to `end` (exclusive), all of them. @throws storage_not_found, corrupt when the file ends before `end` */
  read(id: string, start: number, end: number): Promise<Uint8Array>
  /** Stores a table, durable when it answers. The same id again is no error. */
  write(id: string, bytes: Uint8Array): Promise<void>
}

/** What a table store is made of. */
interface TableStorePlace {
  readonly adapter: BlockAdapter
  readonly storageId: StorageId
  readonly namespace: StorageNamespace
  /** Folder under the namespace, without slashes at its ends; lakeFS's default is `_lakefs`. */
  readonly prefix?: string
}

const tableId = /^[0-9a-f]{64}$/

/** The tables of a repository: objects `<prefix>/<id>` under its namespace. */
export function createTableStore(place: TableStorePlace): TableStore {
  const { adapter, namespace, prefix = '_lakefs' } = place
  function locate(id: string): Location {
    if (!tableId.test(id)) throw new DomainError('storage_not_found', `cannot read table "${id}": not a table id`)
    return adapter.locate(namespace, `${prefix}/${id}`)
  }
  return {
    space: [adapter.place, place.storageId, namespace, prefix].join('\n'),
    async readTail(id, bytes) {
      return adapter.getTail(locate(id), bytes)
    },
    async read(id, start, end) {
      let cause: unknown
      try {
        const bytes = await gather(await adapter.get(locate(id), { start, end }))
        if (bytes.length === end - start) return bytes
      } catch (error) {
        if (!(error instanceof DomainError) || error.code !== 'range_not_satisfiable') throw error
        cause = error
      }
      throw new DomainError('corrupt', `cannot read table "${id}": the file is cut off`, { cause })
    },
    async write(id, bytes) {
      await adapter.put(locate(id), bytes)
    },
  }
}

async function gather(result: GetResult): Promise<Uint8Array> {
  const { body } = result
  if (body instanceof Uint8Array) return body
  if (body instanceof Blob) return new Uint8Array(await body.arrayBuffer())
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}
