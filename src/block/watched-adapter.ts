/** A storage's adapter with somebody who watches what it is asked for, and a gate that keeps a slow storage from holding everybody. */
import { DomainError, type ErrorCode } from '../errors.ts'
import type { GateLimits } from '../gate.ts'
import type { BlockAdapter, PutBody } from './adapter.ts'
import { storageGate } from './gate.ts'

/** The requests that are counted and wait for their turn. */
export type StorageOperation = Exclude<
  {
    [Key in keyof BlockAdapter]: BlockAdapter[Key] extends (...args: never) => Promise<unknown> ? Key : never
  }[keyof BlockAdapter],
  'presign' | 'presignPart' | 'close'
>

/** Told of one storage's requests. */
export interface StorageWatcher {
  /** @param seconds until the answer, the wait for a turn included */
  observe(operation: StorageOperation, outcome: 'ok' | 'error' | ErrorCode, seconds: number): void
  /** Bytes that went to the storage and that came from it, as far as their number is known before they do. */
  transferred(sentBytes: number, receivedBytes: number): void
}

/** Begins to watch a storage; `use` tells its requests at any time. */
export type WatchStorage = (
  storage: { readonly id: string; readonly type: string },
  use: () => { readonly running: number; readonly waiting: number },
) => StorageWatcher

export interface WatchOptions {
  readonly watch: WatchStorage
  readonly limits: GateLimits
  /** Streamed bodies at once, beside those `limits`: they last as long as their senders like; 0: any number. */
  readonly maxStreamed: number
}

/**
 * `adapter`, watched and gated: it does and throws what `adapter` does, and refuses with `overloaded` when the gate is full.
 *
 * A turn lasts until the adapter answers. Bodies that stream take turns of their own, since they come at their senders' pace: nobody
 * else waits for a client's network. A stream that it answers with is read without one: it goes at its reader's pace, and whoever
 * copies from it to this same storage would wait for itself. What asks nothing of the storage (names, presigned URLs) and `ping`, which
 * must tell the truth when everybody waits, take no turn.
 */
export function watchAdapter(
  adapter: BlockAdapter,
  { id, type }: { readonly id: string; readonly type: string },
  { watch, limits, maxStreamed }: WatchOptions,
): BlockAdapter {
  const gate = storageGate(`storage "${id}" (${type})`, limits)
  const streams = storageGate(`storage "${id}" (${type}) for streamed bodies`, { ...limits, maxRunning: maxStreamed })
  const watcher = watch({ id, type }, () => ({
    running: gate.running + streams.running,
    waiting: gate.waiting + streams.waiting,
  }))
  const gateOf = (body: PutBody) => (body instanceof Uint8Array ? gate : streams)

  // One function and one await: this is on the way of every read.
  async function observed<Result>(
    operation: StorageOperation,
    work: () => Promise<Result>,
    done?: (result: Result) => void,
    turns = gate,
  ): Promise<Result> {
    const startedMs = performance.now()
    let outcome: 'ok' | 'error' | ErrorCode = 'ok'
    let hasTurn = false
    try {
      if (operation !== 'ping') {
        const turn = turns.enter()
        if (turn !== undefined) await turn
        hasTurn = true
      }
      const result = await work()
      done?.(result)
      return result
    } catch (error) {
      outcome = error instanceof DomainError ? error.code : 'error'
      throw error
    } finally {
      if (hasTurn) turns.leave()
      watcher.observe(operation, outcome, (performance.now() - startedMs) / 1000)
    }
  }

  return {
    type: adapter.type,
    capabilities: adapter.capabilities,
    rules: adapter.rules,
    place: adapter.place,
    locate: (namespace, identifier) => adapter.locate(namespace, identifier),
    locateFull: (uri) => adapter.locateFull(uri),
    canonicalNamespace: (namespace) => adapter.canonicalNamespace(namespace),
    canonicalLocation: (location) => adapter.canonicalLocation(location),
    presign: (location, method, options) => adapter.presign(location, method, options),
    presignPart: (location, uploadId, partNumber) => adapter.presignPart(location, uploadId, partNumber),
    close: () => adapter.close(),
    ping: () => observed('ping', () => adapter.ping()),

    put: (location, body, options) =>
      observed(
        'put',
        () => adapter.put(location, body, options),
        () => watcher.transferred(knownBytes(body), 0),
        gateOf(body),
      ),
    get: (location, range) =>
      observed(
        'get',
        () => adapter.get(location, range),
        (result) => watcher.transferred(0, result.sizeBytes),
      ),
    getTail: (location, bytes) =>
      observed(
        'getTail',
        () => adapter.getTail(location, bytes),
        (result) => watcher.transferred(0, result.bytes.length),
      ),
    properties: (location) => observed('properties', () => adapter.properties(location)),
    exists: (location) => observed('exists', () => adapter.exists(location)),
    remove: (location) => observed('remove', () => adapter.remove(location)),
    async removeMany(locations) {
      try {
        return await observed('removeMany', () => adapter.removeMany(locations))
      } catch (error) {
        if (!(error instanceof DomainError && error.code === 'overloaded')) throw error
        return locations.map((location) => ({ location, error }))
      }
    },
    list: (prefix, options) => observed('list', () => adapter.list(prefix, options)),
    copy: (from, to) => observed('copy', () => adapter.copy(from, to)),
    createMultipart: (location, options) =>
      observed('createMultipart', () => adapter.createMultipart(location, options)),
    putPart: (location, uploadId, partNumber, body) =>
      observed(
        'putPart',
        () => adapter.putPart(location, uploadId, partNumber, body),
        () => watcher.transferred(knownBytes(body), 0),
        gateOf(body),
      ),
    listParts: (location, uploadId) => observed('listParts', () => adapter.listParts(location, uploadId)),
    completeMultipart: (location, uploadId, parts) =>
      observed('completeMultipart', () => adapter.completeMultipart(location, uploadId, parts)),
    abortMultipart: (location, uploadId) =>
      observed('abortMultipart', () => adapter.abortMultipart(location, uploadId)),
  }
}

function knownBytes(body: PutBody): number {
  return body instanceof Uint8Array ? body.length : (body.sizeBytes ?? 0)
}
