/** What clients ask before they do anything: version, storages, health. */
import * as v from 'valibot'
import type { BlockAdapter, StorageType } from '../block/adapter.ts'
import { databaseText, readJson } from './body.ts'
import { empty, json } from './responses.ts'
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
}

type ConfigOperation =
  | 'getConfig'
  | 'getStorageConfig'
  | 'getLakeFSVersion'
  | 'healthCheck'
  | 'getGarbageCollectionConfig'
  | 'postStatsEvents'

const statsBody = v.object({
  events: v.array(
    v.object({
      class: v.pipe(databaseText, v.nonEmpty('must not be empty')),
      name: v.pipe(databaseText, v.nonEmpty('must not be empty')),
      count: v.pipe(v.number(), v.integer('must be an integer'), v.minValue(0, 'must not be negative')),
    }),
  ),
})

export function configHandlers({ storages, built }: ConfigDependencies): Record<ConfigOperation, Handler> {
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

    /** Accepted for the clients that send them before every command. Nothing leaves this server, so nothing is kept. */
    async postStatsEvents(request) {
      await readJson(request.raw, statsBody)
      return empty(204)
    },
  }
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
