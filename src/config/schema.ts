/**
 * The keys of a configuration file that have an effect, nested as they are written: lakeFS's names, types and defaults, plus a few
 * of our own (`limits`, `blockstore.local.fsync`, the storage type `r2`). To add a key: a line here, a field in `config.ts`, its value in
 * `assemble.ts`, a row in docs/configuration.md (a test compares them).
 */
import * as v from 'valibot'
import {
  bool,
  durationMs,
  integer,
  listenAddress,
  oneOf,
  optional,
  path,
  postgresDsn,
  required,
  secret,
  section,
  text,
  textList,
} from './leaves.ts'
import { blockstoreSchema, blockstoresSchema } from './storage-schema.ts'

const levels = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'panic', 'none'] as const

const lakefsOnly = new Map(
  ['dynamodb', 'cosmosdb', 'redis'].map((type) => [type, ', a database that only lakeFS has; write postgres or local']),
)

/** Room for a few blocks of each table that a request reads; with less, the same bytes are fetched again and again. */
const minCacheBytes = 1 << 20
/** Up to here the hash that ends ranges is exact in a double. */
const maxRaggednessEntries = 2 ** 26
/** Rows of one branch that a statement counts at most. */
const maxCompactionRows = 100_000_000

/** lakeFS's configuration, as far as it has an effect here. */
export const schema = v.object({
  listen_address: v.optional(listenAddress(), '0.0.0.0:8000'),
  tls: section({
    enabled: v.optional(bool(), 'false'),
    cert_file: optional(path()),
    key_file: optional(path()),
  }),
  logging: section({
    format: v.optional(oneOf(['text', 'json']), 'text'),
    level: v.optional(oneOf(levels), 'INFO'),
    output: v.optional(textList(), ['-']),
    audit_log_level: v.optional(oneOf(levels), 'DEBUG'),
  }),
  limits: section({
    requests_in_flight: v.optional(integer(), '2048'),
    body_idle: v.optional(durationMs(), '60s'),
    storage_requests: v.optional(integer(), '256'),
    storage_uploads: v.optional(integer(), '256'),
    storage_queue: v.optional(integer(), '512'),
    storage_wait: v.optional(durationMs(), '10s'),
    shutdown_delay: v.optional(durationMs(), '0s'),
    shutdown_grace: v.optional(durationMs(), '30s'),
  }),
  database: section({
    type: required(oneOf(['local', 'postgres', 'mem'], lakefsOnly)),
    local: section({ path: v.optional(path(), '~/lakefs/metadata') }),
    postgres: section({
      connection_string: optional(postgresDsn()),
      max_open_connections: v.optional(integer(1, 10_000), '25'),
      connection_max_lifetime: v.optional(durationMs(), '5m'),
    }),
  }),
  auth: section({
    encrypt: section({
      secret_key: required(
        secret('give it a long random text and keep it: what it encrypts cannot be read without it'),
      ),
    }),
    login_duration: v.optional(durationMs(), '168h'),
    logout_redirect_url: v.optional(text(), '/auth/login'),
    ui_config: section({
      rbac: v.optional(oneOf(['none', 'simplified', 'external', 'internal']), 'none'),
      login_url: optional(text()),
      logout_url: optional(text()),
      login_url_method: v.optional(oneOf(['none', 'redirect', 'select']), 'none'),
      login_failed_message: v.optional(text(), "The credentials don't match."),
      fallback_login_url: optional(text()),
      fallback_login_label: optional(text()),
      login_cookie_names: v.optional(textList(), ['internal_auth_session']),
      use_login_placeholders: v.optional(bool(), 'false'),
    }),
  }),
  blockstore: blockstoreSchema,
  blockstores: blockstoresSchema,
  committed: section({
    block_storage_prefix: v.optional(text(), '_lakefs'),
    permanent: section({
      min_range_size_bytes: v.optional(integer(), '0'),
      max_range_size_bytes: v.optional(integer(1), '20971520'),
      range_raggedness_entries: v.optional(integer(1, maxRaggednessEntries), '50000'),
    }),
    sstable: section({ memory: section({ cache_size_bytes: v.optional(integer(minCacheBytes), '400000000') }) }),
  }),
  graveler: section({
    ensure_readable_root_namespace: v.optional(bool(), 'true'),
    compaction_sensor_threshold: v.optional(integer(0, maxCompactionRows), '100000'),
  }),
  installation: section({
    fixed_id: optional(text()),
    user_name: optional(text()),
    access_key_id: optional(secret()),
    secret_access_key: optional(secret()),
  }),
  email_subscription: section({ enabled: v.optional(bool(), 'true') }),
})

/** A configuration whose every value has its type. */
export type ParsedConfig = v.InferOutput<typeof schema>
