/**
 * From a command line to a running server, the same for Bun and Node: configuration → database → storages → app → listening. What
 * goes wrong on the way is one clear line on standard error, never a stack trace, unless it is a fault of ours.
 */

import { createWriteStream } from 'node:fs'
import { homedir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { LAKEFS_API_VERSION } from './api/config.ts'
import type { Connection } from './api/request.ts'
import type { App } from './app.ts'
import { assemble } from './assemble.ts'
import type { AccessKey } from './auth/keys.ts'
import type { AdapterFactories, StorageRegistry } from './block/registry.ts'
import { type Compactor, type CompactorSettings, compactorDefaults, crowdedTokens } from './catalog/compactor.ts'
import type { ObserveStep } from './catalog/steps.ts'
import { createTurns } from './catalog/turns.ts'
import { helpText, parseArguments, usageExitCode } from './cli.ts'
import { BlockCache } from './committed/block-cache.ts'
import type { Config } from './config/config.ts'
import { describeConfig } from './config/describe.ts'
import { ConfigError, formatFault } from './config/faults.ts'
import type { ListenAddress } from './config/listen-address.ts'
import { loadConfig } from './config/load.ts'
import type { Loaded } from './config/parse.ts'
import type { Db } from './db/db.ts'
import type { PgOptions, PooledDb } from './db/pg-client.ts'
import { openPgliteDb } from './db/pglite-client.ts'
import { DomainError } from './errors.ts'
import { createCommitCache } from './refs/commits.ts'
import { plainBodies } from './runtime/bodies.ts'
import { createLogger, type Logger, type LoggerOptions, lineAt } from './runtime/logger.ts'
import type { Metrics } from './runtime/metrics.ts'
import { type PoolUse, registerProcessMetrics } from './runtime/process-metrics.ts'
import { createGatheringWriter } from './staging/gather.ts'
import { sweepRetired } from './staging/sweep.ts'
import { VERSION } from './version.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** A socket that is being served. */
export interface Listener {
  readonly port: number
  /** Takes no more connections; resolves when the requests in flight are done or `graceMs` is over. */
  stop(graceMs: number): Promise<void>
}

/** What the entries bring: the parts in which Bun and Node differ. */
export interface ServerPlatform {
  readonly name: string
  readonly factories: AdapterFactories
  /** A pool of connections to Postgres. */
  openPostgres(options: PgOptions): PooledDb
  /** @throws an error with code EADDRINUSE, EADDRNOTAVAIL or EACCES when it cannot listen there */
  listen(app: App, address: ListenAddress, tls: TlsFiles | null): Promise<Listener>
  readonly connection: (request: Request, environment: unknown) => Connection
}

const SWEEP_EVERY_MS = 60_000
const COMPACT_EVERY_MS = 60_000
/** PGlite has no autovacuum. */
const MAINTAIN_EVERY_MS = 600_000

/** Runs the command line `argv` (without program name) and sets the process's exit code. */
export async function main(
  platform: ServerPlatform,
  argv: readonly string[],
  observe: ObserveStep = () => undefined,
  compacting: Omit<CompactorSettings, 'thresholds'> = compactorDefaults,
): Promise<void> {
  const command = parseArguments(argv)
  if (command.name === 'help') return print(helpText)
  if (command.name === 'version') return print(`interlaken ${VERSION} (lakeFS API ${LAKEFS_API_VERSION})\n`)
  if (command.name === 'misused') return fail(command.message, usageExitCode)
  try {
    const loaded = loadConfig({
      ...(command.configFile === null ? {} : { file: command.configFile }),
      ...(command.dataDirectory === null ? {} : { dataDirectory: command.dataDirectory }),
      ...(command.listen === null ? {} : { listen: command.listen }),
      environment: process.env,
      homeDirectory: homedir(),
      currentDirectory: process.cwd(),
      checkOnly: command.checkConfig,
    })
    if (command.checkConfig) return printCheck(platform, loaded)
    await serve(platform, loaded, observe, compacting)
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const warning of error.warnings) printError(`warning: ${formatFault(warning)}\n`)
      return fail(`interlaken: ${error.message}`)
    }
    if (error instanceof DomainError) return fail(`interlaken: ${explainStart(error)}`)
    if (isListenError(error)) return fail(`interlaken: ${error.message}`)
    throw error
  }
}

/** Whoever starts a server is told why the database is out of reach; clients only ever learn that they may try again. */
function explainStart(error: DomainError): string {
  return error.code === 'database_unavailable' ? `cannot reach the database: ${rootMessage(error)}` : error.message
}

/** The innermost reason. A host with several addresses fails with one error for each. */
function rootMessage(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : []
  const reason: unknown = first ?? error.cause
  return reason instanceof Error ? rootMessage(reason) : error.message
}

function printCheck(platform: ServerPlatform, { config, warnings, notes }: Loaded): void {
  print(`${describeConfig(config, { withDefaults: true })}\n`)
  for (const note of notes) print(`note: ${note}\n`)
  for (const { id, type } of config.storages.stores) {
    if (platform.factories[type] === undefined) {
      print(`note: storage "${id}": type ${type} is not supported by this build yet; it will be down\n`)
    }
  }
  for (const warning of warnings) printError(`warning: ${formatFault(warning)}\n`)
  print('the configuration is valid\n')
}

async function serve(
  platform: ServerPlatform,
  { config, warnings, notes }: Loaded,
  observe: ObserveStep,
  compacting: Omit<CompactorSettings, 'thresholds'>,
): Promise<void> {
  const logOptions = openLog(config)
  const log = createLogger(logOptions)
  for (const warning of warnings) log.warn({ key: warning.path }, warning.message)
  for (const note of notes) log.info({}, note)
  for (const line of describeConfig(config).split('\n')) log.debug({}, line)

  const database = await openDatabase(platform, config, log)
  const { db } = database
  const cleanups: (() => Promise<void>)[] = [() => db.close()]
  try {
    let draining = false
    const { app, registry, metrics, compactor, ensureFirstUser } = await assemble(config, {
      db,
      factories: platform.factories,
      stage: createGatheringWriter(db),
      blockCache: new BlockCache(config.committed.blockCacheBytes),
      commits: createCommitCache(),
      bodies: plainBodies,
      secure: config.tls !== null,
      log,
      requestLog: lineAt(logOptions, config.logging.auditLogLevel),
      limited: true,
      draining: () => draining,
      connection: platform.connection,
      turns: createTurns(),
      observe,
      compaction: compactionOf(config, compacting),
    })
    cleanups.unshift(() => registry.close())
    registerProcessMetrics(metrics, database.poolUse)
    describeServer(metrics, platform)
    // Before anybody can know that the server is there, and stop it.
    const stopped = stopRequest()
    const listener = await platform.listen(app, config.listen, config.tls)
    cleanups.unshift(() => listener.stop(config.limits.shutdownGraceMs))
    cleanups.unshift(startChores(database, compactor, log))
    const base = baseUrl(config, listener.port)
    let announced: AccessKey | null = null
    const initialized = await ensureFirstUser((key) => {
      announced = key
      printFirstKey(key)
    })
    printBanner(platform, config, registry, base)
    if (announced !== null) printFirstLines(config, base, announced)
    if (!initialized) print(setupHint(base))
    await stopped
    draining = true
    log.info({}, 'stopping: finishing requests in flight')
    // Balancers that have seen it send no more before connections are refused.
    if (config.limits.shutdownDelayMs > 0) await sleep(config.limits.shutdownDelayMs)
    for (const cleanup of cleanups) await cleanup().catch((error) => log.error({ err: error }, 'cleaning up failed'))
    process.exit(0)
  } catch (error) {
    for (const cleanup of cleanups) await cleanup().catch((cause) => log.error({ err: cause }, 'cleaning up failed'))
    throw explainListen(error, config.listen)
  }
}

interface OpenDatabase {
  readonly db: Db
  /** Periodic care; null where the database looks after itself. */
  readonly maintain: (() => Promise<void>) | null
  /** Null where there is no pool. */
  readonly poolUse: (() => PoolUse) | null
}

async function openDatabase(platform: ServerPlatform, { database }: Config, log: Logger): Promise<OpenDatabase> {
  if (database.type === 'postgres') {
    const db = platform.openPostgres({
      connectionString: database.connectionString,
      maxConnections: database.maxOpenConnections,
      maxLifetimeMs: database.connectionMaxLifetimeMs,
      onIdleError: (error) => log.warn({ err: error }, 'an idle database connection failed'),
    })
    return { db, maintain: null, poolUse: () => db.poolUse() }
  }
  const db = await openPgliteDb(database.type === 'local' ? database.path : null)
  return { db, maintain: () => db.maintain(), poolUse: null }
}

function compactionOf(
  { compactionTombstones: tombstones }: Config,
  settings: Omit<CompactorSettings, 'thresholds'>,
): CompactorSettings | null {
  return tombstones === 0 ? null : { ...settings, thresholds: { tombstones, sealedTokens: crowdedTokens } }
}

/** Work that goes on beside the requests; answers how to end it. */
function startChores({ db, maintain }: OpenDatabase, compactor: Compactor | null, log: Logger): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  const every = (ms: number, title: string, chore: () => Promise<unknown>) =>
    setInterval(() => {
      running = running.then(chore).then(
        () => undefined,
        (error) => log.warn({ err: error }, `${title} failed`),
      )
    }, ms)
  const timers = [every(SWEEP_EVERY_MS, 'sweeping retired staging tokens', () => sweepRetired(db))]
  if (maintain !== null) timers.push(every(MAINTAIN_EVERY_MS, 'database maintenance', maintain))
  if (compactor !== null)
    timers.push(every(COMPACT_EVERY_MS, 'looking for branches to compact', () => compactor.survey()))
  return async () => {
    for (const timer of timers) clearInterval(timer)
    await compactor?.stop()
    await running
  }
}

/** What one joins the other series with. */
function describeServer(metrics: Metrics, platform: ServerPlatform): void {
  metrics.gauge('interlaken_info', 'This server; always 1.', ['version', 'runtime'], () => [
    [[VERSION, platform.name], 1],
  ])
}

/** Resolves at the first SIGINT or SIGTERM. A second one of its kind ends the process at once. */
function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
    }
  })
}

function baseUrl({ listen, tls }: Config, port: number): string {
  const host = listen.host === '0.0.0.0' || listen.host === '::' ? '127.0.0.1' : listen.host
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function printBanner(platform: ServerPlatform, config: Config, registry: StorageRegistry, base: string): void {
  const lines = [`Interlaken ${VERSION} (lakeFS API ${LAKEFS_API_VERSION}) on ${platform.name}`, `  listening  ${base}`]
  for (const { id, type, definition, downReason } of registry.list()) {
    const place = definition.type === 'local' ? ` in ${definition.local.path}` : ''
    const state = downReason === null ? '' : ` (down: ${downReason})`
    lines.push(`  storage    ${id === '' ? '(default)' : id}: ${type}${place}${state}`)
  }
  const { database } = config
  if (database.type === 'local') {
    lines.push(
      `  database   embedded, in ${database.path}; it survives kill -9, but a power cut may lose data: use Postgres where that matters`,
    )
  } else lines.push(`  database   ${database.type === 'postgres' ? 'Postgres' : 'in memory, forgotten at the end'}`)
  print(`${lines.join('\n')}\n`)
}

function printFirstKey({ accessKeyId, secretAccessKey }: AccessKey): void {
  print(`The first administrator, shown this once:
  access key id      ${accessKeyId}
  secret access key  ${secretAccessKey}

`)
}

/** Lines to paste: a repository on each of two storages and a file in the first. */
function printFirstLines({ storages }: Config, base: string, { accessKeyId, secretAccessKey }: AccessKey): void {
  const curl = `curl -sS -u ${accessKeyId}:${secretAccessKey}`
  const stores = storages.stores.filter(({ type }) => type === 'local').slice(0, 2)
  const [first] = stores
  if (first === undefined) return
  const nameOf = (id: string) => `on-${id.toLowerCase().replace(/[^a-z0-9-]/g, '-') || 'disk'}`
  const lines = stores.map(({ id }) => {
    const body = JSON.stringify({ name: nameOf(id), storage_id: id, storage_namespace: `local://${nameOf(id)}` })
    return `  ${curl} ${base}/api/v1/repositories -H 'Content-Type: application/json' -d '${body}'`
  })
  const target = `${base}/api/v1/repositories/${nameOf(first.id)}/branches/main/objects?path=README.md`
  lines.push(`  ${curl} '${target}' -H 'Content-Type: text/markdown' --data-binary @README.md`)
  print(`\nA repository on each storage, and a file in the first:\n${lines.join('\n')}\n`)
}

function setupHint(base: string): string {
  return `  setup      not done yet; this makes the first administrator and shows its key once:
             curl -sS ${base}/api/v1/setup_lakefs -H 'Content-Type: application/json' -d '{"username": "admin"}'
`
}

function openLog({ logging }: Config): LoggerOptions {
  const writers = logging.outputs.map((output) => {
    if (output === '-') return print
    if (output === '=') return printError
    const file = createWriteStream(output, { flags: 'a' })
    file.on('error', (error) => printError(`interlaken: cannot write log "${output}": ${error.message}\n`))
    return (line: string) => void file.write(line)
  })
  return {
    format: logging.format,
    level: logging.level,
    write: (line) => {
      for (const write of writers) write(line)
    },
  }
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; stop it, or choose another place with --listen HOST:PORT',
  EADDRNOTAVAIL: 'this machine has no such address; choose another with --listen HOST:PORT',
  EACCES: 'not allowed; ports below 1024 need privileges',
}

function isListenError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in LISTEN_FAULTS
}

function explainListen(error: unknown, { host, port }: ListenAddress): unknown {
  if (!isListenError(error)) return error
  const explained = new Error(`cannot listen on ${host}:${port}: ${LISTEN_FAULTS[error.code]}`, { cause: error })
  return Object.assign(explained, { code: error.code })
}

function print(text: string): void {
  process.stdout.write(text)
}

function printError(text: string): void {
  process.stderr.write(text)
}

function fail(message: string, exitCode = 1): void {
  printError(`${message}\n`)
  process.exitCode = exitCode
}
