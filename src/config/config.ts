import type { StoragesDefinition } from '../block/definition.ts'
import type { ListenAddress } from './listen-address.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'panic' | 'none'

/** Where the mutable state lives. */
export type DatabaseConfig =
  | {
      readonly type: 'postgres'
      /** `postgres://…`, with the password. */
      readonly connectionString: string
      readonly maxOpenConnections: number
      readonly connectionMaxLifetimeMs: number
    }
  /** The embedded database in an absolute folder. */
  | { readonly type: 'local'; readonly path: string }
  /** Embedded and forgotten at the end. */
  | { readonly type: 'mem' }

/** `auth.ui_config`: what the login page is told. */
export interface LoginConfig {
  readonly rbac: 'none' | 'simplified' | 'external' | 'internal'
  readonly loginUrl: string
  readonly logoutUrl: string
  /** `none` unless given. */
  readonly loginUrlMethod: 'none' | 'redirect' | 'select'
  readonly loginFailedMessage: string
  readonly fallbackLoginUrl: string | null
  readonly fallbackLoginLabel: string | null
  readonly loginCookieNames: readonly string[]
  readonly useLoginPlaceholders: boolean
}

/** One key as the start log and `--check-config` show it. */
export interface Setting {
  /** As one would write it in the file: `blockstores.stores[0].s3.region`. */
  readonly key: string
  /** Its value; `[SECRET]` for secrets. */
  readonly shown: string
  /** `file`, `no file` (what stands in for one), `default`, `--listen` or the name of an environment variable. */
  readonly source: string
}

/** A whole, valid configuration: paths absolute, durations in milliseconds, sizes in bytes, null where nothing was given. */
export interface Config {
  readonly listen: ListenAddress
  /** Null: plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null
  readonly database: DatabaseConfig
  readonly storages: StoragesDefinition
  readonly auth: {
    readonly encryptSecretKey: string
    readonly loginDurationMs: number
    readonly logoutRedirectUrl: string
    readonly login: LoginConfig
  }
  readonly logging: {
    readonly format: 'text' | 'json'
    readonly level: LogLevel
    /** `-` standard output, `=` standard error, else an absolute file. */
    readonly outputs: readonly string[]
    /** The level of the line that each request gets. */
    readonly auditLogLevel: LogLevel
  }
  /** Counts are 0 for "any number". */
  readonly limits: {
    readonly requestsInFlight: number
    /** How long a client may be silent while its body is read; 0: as long as it likes. */
    readonly bodyIdleMs: number
    /** At once at each storage. */
    readonly storageRequests: number
    /** Streamed bodies at once on their way to each storage, beside those. */
    readonly storageUploads: number
    /** Beyond those, waiting for their turn. */
    readonly storageQueue: number
    readonly storageWaitMs: number
    /** Between the signal to end and the last new connection. */
    readonly shutdownDelayMs: number
    /** What requests in flight have then. */
    readonly shutdownGraceMs: number
  }
  readonly committed: {
    readonly blockStoragePrefix: string
    /** Most bytes of committed data kept in memory. */
    readonly blockCacheBytes: number
    readonly minRangeBytes: number
    readonly maxRangeBytes: number
    readonly rangeRaggednessEntries: number
  }
  /** A new repository's namespace is probed for the marker of older versions too. */
  readonly ensureReadableRootNamespace: boolean
  /** Staged tombstones of a branch from which on it is compacted; 0: never. */
  readonly compactionTombstones: number
  readonly installation: {
    readonly fixedId: string | null
    /** The administrator to create when the installation is new; null: whoever calls setup first. */
    readonly firstUser: {
      readonly userName: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
    } | null
  }
  readonly emailSubscriptionEnabled: boolean
  /** The folder of a start without a configuration file, absolute; null with a file. */
  readonly dataDirectory: string | null
  /** Every key, given or defaulted, for printing. */
  readonly settings: readonly Setting[]
}
