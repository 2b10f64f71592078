/**
 * The storages of this server, by id. The registry is versioned: whoever asked for a storage keeps the adapter that it got, while
 * `replace` puts another set of storages in place for those who ask later. A storage that cannot be opened is in the set and says
 * why; it never keeps the others from starting.
 */
import { DomainError, isDomainError } from '../errors.ts'
import type { StorageId } from '../model.ts'
import type { BlockAdapter, StorageType } from './adapter.ts'
import type { DefinitionOf, StorageDefinition, StoragesDefinition } from './definition.ts'
import { createDownAdapter } from './down-adapter.ts'
import { type WatchOptions, watchAdapter } from './watched-adapter.ts'

/** Opens storages of one type. May throw: the storage is then down, with the message as its reason. */
export type AdapterFactory<Type extends StorageType> = (definition: DefinitionOf<Type>) => BlockAdapter

/** The types that this server has adapters for. */
export type AdapterFactories = { readonly [Type in StorageType]?: AdapterFactory<Type> }

/** One storage, as long as its holder keeps it. */
export interface Storage {
  readonly id: StorageId
  readonly description: string
  readonly type: StorageType
  readonly backwardCompatible: boolean
  readonly definition: StorageDefinition
  readonly adapter: BlockAdapter
  /** HMAC key of the upload addresses handed to clients; shared by all storages. */
  readonly signingKey: string
  /** Why it could not be opened; null when it was. */
  readonly downReason: string | null
}

/** A storage's state when it was last asked. */
export interface StorageHealth {
  readonly id: StorageId
  readonly type: StorageType
  readonly state: 'up' | 'down'
  /** What is wrong, in one line; null when nothing is. */
  readonly reason: string | null
}

export interface StorageRegistry {
  /** Grows by one with every `replace`. Starts at 1. */
  readonly version: number
  /** The storage `id`; `""` is the only one or the backward-compatible one. @throws storage_unknown */
  get(id: StorageId): Storage
  /** True when `get` would answer. */
  has(id: StorageId): boolean
  /** All storages in the configuration's order. */
  list(): readonly Storage[]
  /** Puts another set in place. Unchanged storages keep their adapter; dropped adapters close after a grace. */
  replace(definition: StoragesDefinition): void
  /** Asks every storage at once, waiting at most `timeoutMs` for each. */
  health(timeoutMs?: number): Promise<readonly StorageHealth[]>
  /** Closes every adapter, dropped ones too. */
  close(): Promise<void>
}

/** How long a dropped adapter stays open for the requests that hold it. */
const GRACE_MS = 15 * 60 * 1000
const HEALTH_TIMEOUT_MS = 3000

/** Opens the storages of `definition` with the adapters in `factories`, each watched and gated as `watching` says. Never throws for one storage. */
export function createStorageRegistry(
  definition: StoragesDefinition,
  factories: AdapterFactories,
  watching: WatchOptions | null = null,
): StorageRegistry {
  let version = 1
  let storages = openAll(definition, factories, watching, new Map())
  const retired = new Map<BlockAdapter, NodeJS.Timeout>()

  function find(id: StorageId): Storage | undefined {
    const exact = storages.get(id)
    if (exact !== undefined || id !== '') return exact
    const all = [...storages.values()]
    return all.find((storage) => storage.backwardCompatible) ?? (all.length === 1 ? all[0] : undefined)
  }

  function retire(adapter: BlockAdapter): void {
    const timer = setTimeout(() => {
      retired.delete(adapter)
      adapter.close().catch(() => undefined)
    }, GRACE_MS)
    timer.unref?.()
    retired.set(adapter, timer)
  }

  return {
    get version() {
      return version
    },
    get(id) {
      const storage = find(id)
      if (storage === undefined) {
        const known = [...storages.keys()].map((other) => `"${other}"`).join(', ')
        throw new DomainError('storage_unknown', `cannot use storage "${id}": not configured (there are: ${known})`)
      }
      return storage
    },
    has: (id) => find(id) !== undefined,
    list: () => [...storages.values()],
    replace(next) {
      const before = storages
      storages = openAll(next, factories, watching, before)
      version++
      const kept = new Set([...storages.values()].map((storage) => storage.adapter))
      for (const { adapter } of before.values()) if (!kept.has(adapter)) retire(adapter)
    },
    health: (timeoutMs = HEALTH_TIMEOUT_MS) =>
      Promise.all([...storages.values()].map((storage) => checkHealth(storage, timeoutMs))),
    async close() {
      const adapters = [...storages.values()].map((storage) => storage.adapter)
      for (const [adapter, timer] of retired) {
        clearTimeout(timer)
        adapters.push(adapter)
      }
      retired.clear()
      await Promise.allSettled(adapters.map((adapter) => adapter.close()))
    },
  }
}

function openAll(
  { stores, signingKey }: StoragesDefinition,
  factories: AdapterFactories,
  watching: WatchOptions | null,
  before: ReadonlyMap<StorageId, Storage>,
): Map<StorageId, Storage> {
  const opened = new Map<StorageId, Storage>()
  for (const definition of stores) {
    const old = before.get(definition.id)
    const reusable = old !== undefined && old.downReason === null && samePlaceAndSettings(old.definition, definition)
    const { adapter, downReason } = reusable ? old : open(definition, factories, watching)
    const { id, description, type, backwardCompatible } = definition
    opened.set(id, { id, description, type, backwardCompatible, definition, adapter, signingKey, downReason })
  }
  return opened
}

function open(
  definition: StorageDefinition,
  factories: AdapterFactories,
  watching: WatchOptions | null,
): Pick<Storage, 'adapter' | 'downReason'> {
  try {
    const adapter = build(definition, factories)
    if (adapter !== null) {
      return { adapter: watching === null ? adapter : watchAdapter(adapter, definition, watching), downReason: null }
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const code = isDomainError(cause, 'storage_unsupported') ? 'storage_unsupported' : 'storage_unavailable'
    return { adapter: createDownAdapter(definition, code, reason, cause), downReason: reason }
  }
  const reason = `storages of type ${definition.type} are not supported by this build`
  return { adapter: createDownAdapter(definition, 'storage_unsupported', reason), downReason: reason }
}

function build(definition: StorageDefinition, factories: AdapterFactories): BlockAdapter | null {
  switch (definition.type) {
    case 's3':
      return factories.s3?.(definition) ?? null
    case 'gs':
      return factories.gs?.(definition) ?? null
    case 'azure':
      return factories.azure?.(definition) ?? null
    case 'r2':
      return factories.r2?.(definition) ?? null
    case 'local':
      return factories.local?.(definition) ?? null
    case 'mem':
      return factories.mem?.(definition) ?? null
  }
}

/** True when two definitions differ at most in what an adapter does not see. */
function samePlaceAndSettings(a: StorageDefinition, b: StorageDefinition): boolean {
  const neutral = { description: '', backwardCompatible: false }
  return canonicalJson({ ...a, ...neutral }) === canonicalJson({ ...b, ...neutral })
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

async function checkHealth({ id, type, adapter }: Storage, timeoutMs: number): Promise<StorageHealth> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    await Promise.race([adapter.ping(), late])
    return { id, type, state: 'up', reason: null }
  } catch (error) {
    return { id, type, state: 'down', reason: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}
