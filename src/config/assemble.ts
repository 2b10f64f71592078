import { createHmac } from 'node:crypto'
import type { Config, DatabaseConfig, LoginConfig, LogLevel, Setting } from './config.ts'
import { expandPath, type PathContext } from './paths.ts'
import type { ParsedConfig } from './schema.ts'
import type { ParsedStorage } from './storage-schema.ts'
import { defineStorage } from './storages.ts'

/** lakeFS's default of `blockstore.signing.secret_key`: published, hence no secret. */
export const publicSigningKey = 'OVERRIDE_THIS_SIGNING_SECRET_DEFAULT'

/** Where the configuration came from, as far as it is part of it. */
export interface Origin extends PathContext {
  readonly dataDirectory: string | null
  readonly settings: readonly Setting[]
}

/** The configuration that the parsed keys mean. They have passed the rules. */
export function assembleConfig(parsed: ParsedConfig, origin: Origin): Config {
  return {
    listen: parsed.listen_address,
    tls: tlsFiles(parsed, origin),
    database: database(parsed, origin),
    storages: {
      signingKey: signingKey(parsed),
      stores: stores(parsed).map((store) => defineStorage(store, origin)),
    },
    auth: {
      encryptSecretKey: parsed.auth.encrypt.secret_key,
      loginDurationMs: parsed.auth.login_duration,
      logoutRedirectUrl: parsed.auth.logout_redirect_url,
      login: login(parsed.auth.ui_config),
    },
    logging: {
      format: parsed.logging.format,
      level: level(parsed.logging.level),
      outputs: parsed.logging.output.map((output) =>
        output === '-' || output === '=' ? output : expandPath(output, origin),
      ),
      auditLogLevel: level(parsed.logging.audit_log_level),
    },
    limits: {
      requestsInFlight: parsed.limits.requests_in_flight,
      bodyIdleMs: parsed.limits.body_idle,
      storageRequests: parsed.limits.storage_requests,
      storageUploads: parsed.limits.storage_uploads,
      storageQueue: parsed.limits.storage_queue,
      storageWaitMs: parsed.limits.storage_wait,
      shutdownDelayMs: parsed.limits.shutdown_delay,
      shutdownGraceMs: parsed.limits.shutdown_grace,
    },
    committed: {
      blockStoragePrefix: parsed.committed.block_storage_prefix,
      blockCacheBytes: parsed.committed.sstable.memory.cache_size_bytes,
      minRangeBytes: parsed.committed.permanent.min_range_size_bytes,
      maxRangeBytes: parsed.committed.permanent.max_range_size_bytes,
      rangeRaggednessEntries: parsed.committed.permanent.range_raggedness_entries,
    },
    ensureReadableRootNamespace: parsed.graveler.ensure_readable_root_namespace,
    compactionTombstones: parsed.graveler.compaction_sensor_threshold,
    installation: {
      fixedId: parsed.installation.fixed_id,
      firstUser: firstUser(parsed.installation),
    },
    emailSubscriptionEnabled: parsed.email_subscription.enabled,
    dataDirectory: origin.dataDirectory,
    settings: origin.settings,
  }
}

/** The single `blockstore` is the storage `""`, which serves repositories without a storage id. */
function stores({ blockstore, blockstores }: ParsedConfig): readonly ParsedStorage[] {
  if (blockstores !== null) return blockstores.stores
  return blockstore === null ? [] : [{ ...blockstore, id: '', description: null, backward_compatible: true }]
}

function tlsFiles({ tls }: ParsedConfig, context: PathContext): Config['tls'] {
  if (!tls.enabled || tls.cert_file === null || tls.key_file === null) return null
  return { certFile: expandPath(tls.cert_file, context), keyFile: expandPath(tls.key_file, context) }
}

function database({ database: { type, local, postgres } }: ParsedConfig, context: PathContext): DatabaseConfig {
  if (type === 'mem') return { type }
  if (type === 'local') return { type, path: expandPath(local.path, context) }
  return {
    type,
    connectionString: postgres.connection_string ?? '',
    maxOpenConnections: postgres.max_open_connections,
    connectionMaxLifetimeMs: postgres.connection_max_lifetime,
  }
}

/**
 * The key of upload addresses. A file with a single `blockstore` may leave it out, since lakeFS has a default; that one is public, so
 * ours is derived from `auth.encrypt.secret_key`, which every server of an installation shares.
 */
function signingKey({ blockstore, blockstores, auth }: ParsedConfig): string {
  const given = (blockstores ?? blockstore)?.signing.secret_key ?? null
  if (given !== null && given !== publicSigningKey) return given
  return createHmac('sha256', auth.encrypt.secret_key).update('interlaken upload address signing key').digest('hex')
}

function login(ui: ParsedConfig['auth']['ui_config']): LoginConfig {
  return {
    rbac: ui.rbac,
    loginUrl: ui.login_url ?? '',
    logoutUrl: ui.logout_url ?? '',
    loginUrlMethod: ui.login_url_method,
    loginFailedMessage: ui.login_failed_message,
    fallbackLoginUrl: ui.fallback_login_url,
    fallbackLoginLabel: ui.fallback_login_label,
    loginCookieNames: ui.login_cookie_names,
    useLoginPlaceholders: ui.use_login_placeholders,
  }
}

function level(word: LogLevel | 'warning'): LogLevel {
  return word === 'warning' ? 'warn' : word
}

function firstUser(given: ParsedConfig['installation']): Config['installation']['firstUser'] {
  const { user_name, access_key_id, secret_access_key } = given
  if (user_name === null || access_key_id === null || secret_access_key === null) return null
  return { userName: user_name, accessKeyId: access_key_id, secretAccessKey: secret_access_key }
}
