/** What clients ask before they do anything: version, storages, health. */
import * as v from 'valibot'
import type { BlockAdapter, StorageType } from '../block/adapter.ts'
import { databaseText, readJson } from './body.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, type Reply, text } from './responses.ts'
import type { Handler } from './router.ts'

/**
 * The lakeFS release whose behaviour is spoken here. Plain dotted integers: lakefs-spec parses it as such and asks for 1.3.1 or later.
 */
export const LAKEFS_API_VERSION = '1.84.0'

/** How long an address that was handed out may be used: 24 hours, as in lakeFS. */
const GRACE_PERIOD_SECONDS = 86_400

/** A configured storage, reachable or not. */
export interface StorageDescription {
  readonly id: string
  readonly description: string
  readonly type: StorageType
  readonly backwardCompatible: boolean
  readonly adapter: Pick<BlockAdapter, 'capabilities' | 'rules'>
}

/** What this server can do with a storage that can do it. Clients go by what is promised, so nothing is promised before it works. */
export interface BuiltFeatures {
  readonly presign: boolean
  readonly presignMultipart: boolean
  readonly import: boolean
}

export interface ConfigDependencies {
  readonly built: BuiltFeatures
  /** All storages as they are now, in the order of the configuration; at least one. */
  readonly storages: () => readonly StorageDescription[]
  readonly installationId: string
  /** Told of the events that clients report about themselves. */
  readonly countEvents: (eventClass: string, name: string, count: number) => void
}

type ConfigOperation =
  | 'getConfig'
  | 'getStorageConfig'
  | 'getLakeFSVersion'
  | 'healthCheck'
  | 'getGarbageCollectionConfig'
  | 'postStatsEvents'
  | 'getUsageReportSummary'

const statsBody = v.object({
  events: v.array(
    v.object({
      class: v.pipe(databaseText, v.nonEmpty('must not be empty')),
      name: v.pipe(databaseText, v.nonEmpty('must not be empty')),
      count: v.pipe(v.number(), v.integer('must be an integer'), v.minValue(0, 'must not be negative')),
    }),
  ),
})

export function configHandlers(dependencies: ConfigDependencies): Record<ConfigOperation, Handler> {
  const { storages, built, installationId, countEvents } = dependencies
  return {
    getConfig() {
      const all = storages()
      return json(200, {
        version_config: versionConfig(),
        storage_config: defaultStorageConfig(all, built),
        // Empty in single-store mode; clients take the list only when repositories have storage ids.
        storage_config_list: all.every(({ id }) => id === '')
          ? []
          : all.map((storage) => storageConfig(storage, built)),
        ui_config: { custom_viewers: [] },
        capabilities_config: {},
      })
    },

    getStorageConfig() {
      return json(200, defaultStorageConfig(storages(), built))
    },

    getLakeFSVersion() {
      return json(200, versionConfig())
    },

    healthCheck() {
      return empty(204)
    },

    getGarbageCollectionConfig() {
      return json(200, { grace_period: GRACE_PERIOD_SECONDS })
    },

    /** Accepted for the clients that send them before every command. They become numbers in the metrics; nothing leaves this server. */
    async postStatsEvents(request) {
      const { events } = await readJson(request, statsBody)
      for (const event of events) countEvents(event.class, event.name, event.count)
      return empty(204)
    },

    getUsageReportSummary: (request) => usageReport(request, installationId),
  }
}

/** lakeFS bills by calls in a month. Nobody is billed here, so none are recorded, and the report has no months. */
function usageReport(request: ApiRequest, installationId: string): Reply {
  if (/\b(text\/plain|application\/text)\b/i.test(request.header('accept') ?? '')) {
    return text(200, `Usage for installation ID: ${installationId}\nno usage is recorded\n`)
  }
  return json(200, { installation_id: installationId, reports: [] })
}

function versionConfig() {
  // Another context than `lakeFS` makes lakectl print a hint before every command.
  return { version: LAKEFS_API_VERSION, version_context: 'lakeFS', upgrade_recommended: false }
}

function storageConfig(storage: StorageDescription, built: BuiltFeatures) {
  const { id, description, type, adapter } = storage
  const { capabilities, rules } = adapter
  return {
    blockstore_type: wireType(type),
    blockstore_namespace_example: rules.example,
    blockstore_namespace_ValidityRegex: rules.validity,
    default_namespace_prefix: rules.defaultPrefix ?? '',
    pre_sign_support: built.presign && capabilities.presign,
    pre_sign_support_ui: false,
    pre_sign_multipart_upload: built.presignMultipart && capabilities.presignMultipart,
    import_support: built.import && capabilities.import,
    import_validity_regex: rules.importValidity,
    blockstore_id: id,
    blockstore_description: description,
  }
}

/**
 * What clients that know one storage see. Never absent: the Python client fails without it, and copies it over every entry of the
 * list, so presigning is only promised when every storage can do it and none is Azure (whose PUT needs a header of its own).
 */
function defaultStorageConfig(all: readonly StorageDescription[], built: BuiltFeatures) {
  const chosen = all.find(({ backwardCompatible }) => backwardCompatible) ?? all[0]
  if (chosen === undefined) throw new Error('no storage is configured')
  const config = storageConfig(chosen, built)
  const presign = all.length === 1 || all.every(({ type, adapter }) => adapter.capabilities.presign && type !== 'azure')
  return {
    ...config,
    pre_sign_support: config.pre_sign_support && presign,
    pre_sign_multipart_upload: config.pre_sign_multipart_upload && presign,
  }
}

/** Clients have a closed list of types. R2 is told as S3, whose API it has. */
function wireType(type: StorageType): string {
  return type === 'r2' ? 's3' : type
}
