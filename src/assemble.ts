/** From a configuration and an open database to the app: what every runtime does at its start, in this order. */

import type { Connection } from './api/request.ts'
import { type App, createApp } from './app.ts'
import { type AccessKey, generateAccessKey } from './auth/keys.ts'
import { createSealer, type Sealer } from './auth/seal.ts'
import { claimSecretKey } from './auth/secret-key.ts'
import { readSetupState, setup } from './auth/setup.ts'
import { createTokens } from './auth/tokens.ts'
import { type AdapterFactories, createStorageRegistry, type StorageRegistry } from './block/registry.ts'
import type { Catalog } from './catalog/catalog.ts'
import { type Compactor, type CompactorSettings, createCompactor } from './catalog/compactor.ts'
import { createStagingWatch, watchWrites } from './catalog/staging-watch.ts'
import type { ObserveStep } from './catalog/steps.ts'
import { rememberStorages } from './catalog/storages.ts'
import type { Turns } from './catalog/turns.ts'
import type { BlockCache } from './committed/block-cache.ts'
import type { Config } from './config/config.ts'
import type { Db } from './db/db.ts'
import { migrate } from './db/migrate.ts'
import { isDomainError } from './errors.ts'
import type { CommitCache } from './refs/commits.ts'
import { readInstallation } from './refs/installation.ts'
import type { HttpBodies } from './runtime/bodies.ts'
import type { Logger, LogLine } from './runtime/logger.ts'
import { createMetrics, type Metrics } from './runtime/metrics.ts'
import { createStorageMetrics } from './runtime/storage-metrics.ts'
import type { StageWriter } from './staging/write.ts'
import { AddressBook } from './upload/address-book.ts'

/** In what the runtimes differ. */
export interface Parts {
  readonly db: Db
  readonly factories: AdapterFactories
  readonly stage: StageWriter
  readonly blockCache: BlockCache
  readonly commits: CommitCache
  readonly bodies: HttpBodies
  /** Clients reach the server by HTTPS. */
  readonly secure: boolean
  readonly log: Logger
  /** Writes a line for each request; null: nobody reads it. */
  readonly requestLog: LogLine | null
  /** False on Workers: an isolate's count of requests would include those that the platform has ended. */
  readonly limited: boolean
  /** The server has been told to end. */
  readonly draining: () => boolean
  readonly connection: (request: Request, environment: unknown) => Connection
  readonly observe: ObserveStep
  /** Of the process; absent where requests must not wait for each other. */
  readonly turns?: Turns
  /** Null: this process compacts nothing. */
  readonly compaction: CompactorSettings | null
}

export interface Assembled {
  readonly app: App
  readonly registry: StorageRegistry
  readonly metrics: Metrics
  readonly compactor: Compactor | null
  /**
   * Makes the administrator that the configuration names, or for a start without a file one of its own, unless there is one already.
   * A generated key is announced before it is made valid: should the process die in between, the next start makes another, and no
   * administrator exists whose key nobody was shown. Answers whether the installation has been set up.
   */
  ensureFirstUser(announce: (key: AccessKey) => void): Promise<boolean>
}

/**
 * Migrates the database, opens the storages and builds the app. Any number of processes may do so at once.
 *
 * @throws database_newer, corrupt for another secret key, conflict for a storage id that means another place, database_unavailable
 */
export async function assemble(config: Config, parts: Parts): Promise<Assembled> {
  const { db, log } = parts
  await migrate(db)
  const installation = await readInstallation(db, config.installation.fixedId)
  const sealer = createSealer(config.auth.encryptSecretKey)
  await claimSecretKey(db, sealer)
  const { limits } = config
  const metrics = createMetrics()
  const registry = createStorageRegistry(config.storages, parts.factories, {
    watch: createStorageMetrics(metrics),
    limits: {
      maxRunning: parts.limited ? limits.storageRequests : 0,
      maxWaiting: limits.storageQueue,
      maxWaitMs: limits.storageWaitMs,
    },
    maxStreamed: parts.limited ? limits.storageUploads : 0,
  })
  try {
    await rememberStorages(db, registry)
    reportStorages(registry, log)
    const { catalog, compactor } = withCompaction(
      {
        db,
        registry,
        stage: parts.stage,
        blockCache: parts.blockCache,
        commits: parts.commits,
        addresses: new AddressBook(),
        options: {
          installationId: installation.id,
          blockStoragePrefix: config.committed.blockStoragePrefix,
          rangePolicy: {
            minRangeSizeBytes: config.committed.minRangeBytes,
            maxRangeSizeBytes: config.committed.maxRangeBytes,
            rangeRaggednessEntries: config.committed.rangeRaggednessEntries,
          },
          ensureReadableRootNamespace: config.ensureReadableRootNamespace,
        },
        observe: parts.observe,
        ...(parts.turns === undefined ? {} : { turns: parts.turns }),
      },
      parts,
    )
    const app = createApp({
      settings: {
        login: config.auth.login,
        logoutRedirectUrl: config.auth.logoutRedirectUrl,
        secureCookie: parts.secure,
        asksForEmail: config.emailSubscriptionEnabled,
        maxRequestsInFlight: parts.limited ? limits.requestsInFlight : 0,
        bodyIdleMs: parts.limited ? limits.bodyIdleMs : 0,
      },
      catalog,
      sealer,
      tokens: createTokens(config.auth.encryptSecretKey, config.auth.loginDurationMs / 1000),
      log,
      requestLog: parts.requestLog,
      metrics,
      draining: parts.draining,
      bodies: parts.bodies,
      connection: parts.connection,
    })
    const initialize: Assembled['ensureFirstUser'] = (announce) => ensureFirstUser(db, config, sealer, announce)
    return { app, registry, metrics, compactor, ensureFirstUser: initialize }
  } catch (error) {
    await registry.close()
    throw error
  }
}

/** The catalog, with its reads and writes watched by a compactor if there is to be one. */
function withCompaction(
  catalog: Catalog,
  { compaction, log }: Parts,
): { readonly catalog: Catalog; readonly compactor: Compactor | null } {
  if (compaction === null) return { catalog, compactor: null }
  const compactor = createCompactor(catalog, compaction, (error, { repoUid, branch }) =>
    log.warn({ err: error, repository: repoUid, branch }, 'compacting a branch failed'),
  )
  const watch = createStagingWatch(compaction.thresholds, compactor.notice)
  return { catalog: { ...catalog, stage: watchWrites(catalog.stage, watch), watch }, compactor }
}

function reportStorages(registry: StorageRegistry, log: Logger): void {
  for (const { id, type, downReason } of registry.list()) {
    if (downReason === null) log.debug({ storage: id, type }, 'storage ready')
    else log.warn({ storage: id, type, reason: downReason }, 'storage is down')
  }
}

async function ensureFirstUser(
  db: Db,
  config: Config,
  sealer: Sealer,
  announce: (key: AccessKey) => void,
): Promise<boolean> {
  if ((await readSetupState(db)).initialized) return true
  const given = config.installation.firstUser
  if (given === null && config.dataDirectory === null) return false
  const accessKey = given ?? generateAccessKey()
  if (given === null) announce(accessKey)
  try {
    await setup(db, sealer, { userName: given?.userName ?? 'admin', accessKey, commPrefs: null })
  } catch (error) {
    if (!isDomainError(error, 'already_initialized')) throw error
  }
  return true
}
