/**
 * Runtime entry for Cloudflare Workers, bundled by `scripts/build-worker.mjs`. The app is built once per isolate, by the first request;
 * each request brings a connection of its own, since sockets belong to the request that opened them. Nothing that is shared between
 * requests is a promise: with the request that began it, it would never settle.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { R2Bucket } from '../adapters/r2/binding.ts'
import { createR2Adapter } from '../adapters/r2.ts'
import { createS3Adapter } from '../adapters/s3.ts'
import { RETRY_SOON } from './api/errors.ts'
import type { App } from './app.ts'
import { assemble } from './assemble.ts'
import type { AdapterFactories } from './block/registry.ts'
import { BlockCache } from './committed/block-cache.ts'
import { ConfigError, type Fault, formatFault } from './config/faults.ts'
import { configFromEnvironment } from './config/parse.ts'
import type { Db } from './db/db.ts'
import { createPostgresJsDb } from './db/postgres-js-client.ts'
import { createScopedDb } from './db/scoped-db.ts'
import { DomainError } from './errors.ts'
import { createCommitCache } from './refs/commits.ts'
import { createLogger, type LoggerOptions, lineAt } from './runtime/logger.ts'
import { createWorkerdBodies, workerdHttp } from './runtime/workerd.ts'
import { sweepRetired } from './staging/sweep.ts'
import { createDirectWriter } from './staging/write.ts'

/** Variables, secrets and bindings, by name. */
interface Environment {
  readonly HYPERDRIVE?: { readonly connectionString: string }
  /** In place of Hyperdrive: a database reached directly. */
  readonly DATABASE_URL?: string
  readonly [name: string]: unknown
}

/** What is used of workerd's `ExecutionContext`. */
interface Lifetime {
  waitUntil(work: Promise<unknown>): void
}

/** What belongs to one request. */
interface Scope {
  readonly db: Db
  /** Response bodies on their way. */
  readonly sending: Promise<void>[]
}

/** An isolate has 128 MB, and an upload to R2 holds two parts of 8 MiB. */
const MAX_BLOCK_CACHE_BYTES = 24 * 1024 * 1024
const COMMIT_CACHE_BYTES = 4 * 1024 * 1024
/** Of the six connections that a request may have open at once. */
const CONNECTIONS = 2

const scopes = new AsyncLocalStorage<Scope>()
let app: App | null = null

function currentScope(): Scope {
  const scope = scopes.getStore()
  if (scope === undefined) throw new Error('there is no request')
  return scope
}

/** Does `work` with a connection of its own, opened by its first statement and closed when the response is sent. */
async function inScope<Result>(
  environment: Environment,
  lifetime: Lifetime,
  work: () => Promise<Result>,
): Promise<Result> {
  const scope: Scope = {
    db: createPostgresJsDb({ connectionString: connectionString(environment), maxConnections: CONNECTIONS }),
    sending: [],
  }
  try {
    return await scopes.run(scope, work)
  } finally {
    lifetime.waitUntil(Promise.all(scope.sending).then(() => scope.db.close()))
  }
}

function connectionString({ HYPERDRIVE, DATABASE_URL }: Environment): string {
  const found = HYPERDRIVE?.connectionString ?? DATABASE_URL
  if (found !== undefined) return found
  throw new ConfigError([{ path: 'HYPERDRIVE', message: 'is not bound; bind a Hyperdrive configuration to it' }], [])
}

/** The isolate's app; requests that come before it is there each build one, and the first one stays. */
async function openApp(environment: Environment): Promise<App> {
  if (app !== null) return app
  const { config, warnings, notes } = configFromEnvironment({
    ...environment,
    DATABASE_URL: connectionString(environment),
  })
  const logOptions: LoggerOptions = {
    format: config.logging.format,
    level: config.logging.level,
    write: (line) => console.log(line.trimEnd()),
  }
  const log = createLogger(logOptions)
  for (const warning of warnings) log.warn({ key: warning.path }, warning.message)
  for (const note of notes) log.info({}, note)
  const db = createScopedDb(() => currentScope().db)
  const built = await assemble(config, {
    db,
    factories: factoriesOf(environment),
    stage: createDirectWriter(db),
    blockCache: new BlockCache(Math.min(config.committed.blockCacheBytes, MAX_BLOCK_CACHE_BYTES), {
      sharesLoads: false,
    }),
    commits: createCommitCache(COMMIT_CACHE_BYTES),
    bodies: createWorkerdBodies((sent) => currentScope().sending.push(sent)),
    secure: true,
    log,
    requestLog: lineAt(logOptions, config.logging.auditLogLevel),
    limited: false,
    draining: () => false,
    connection: (request) => ({ peerAddress: request.headers.get('cf-connecting-ip') }),
    observe: () => undefined,
    // Rewriting a branch can take more memory and time than an isolate has; commits and servers on the same database do it.
    compaction: null,
  })
  await built.ensureFirstUser(() => undefined)
  app ??= built.app
  return app
}

function factoriesOf(environment: Environment): AdapterFactories {
  return {
    r2: (definition) => createR2Adapter(definition, bucketOf(environment, definition.r2.binding), workerdHttp),
    s3: (definition) => createS3Adapter(definition, workerdHttp),
  }
}

function bucketOf(environment: Environment, binding: string): R2Bucket {
  const bucket = environment[binding]
  if (typeof bucket === 'object' && bucket !== null && 'createMultipartUpload' in bucket) return bucket as R2Bucket
  throw new DomainError('storage_unavailable', `no R2 bucket is bound as "${binding}"`)
}

/** What keeps the app from being there goes to the log; clients are told no more than that. */
function notReady(error: unknown): Response {
  if (error instanceof ConfigError) {
    const show = (fault: Fault) => `interlaken: ${formatFault(fault)}`
    console.error([...error.warnings, ...error.faults].map(show).join('\n'))
  } else console.error(error instanceof DomainError ? `interlaken: ${error.message}` : error)
  return Response.json({ message: 'the server is not ready; its log says why' }, { status: 503, headers: RETRY_SOON })
}

/**
 * Objects leave as they are: compressing them at Cloudflare's edge would take their length and make their ETag a weak one
 * (https://developers.cloudflare.com/speed/optimization/content/compression/).
 */
function uncompressed(response: Response): Response {
  if (!response.headers.has('etag')) return response
  const directives = response.headers.get('cache-control')
  response.headers.set('Cache-Control', directives === null ? 'no-transform' : `${directives}, no-transform`)
  return response
}

export default {
  async fetch(request: Request, environment: Environment, lifetime: Lifetime): Promise<Response> {
    try {
      return await inScope(environment, lifetime, async () =>
        uncompressed(await (await openApp(environment)).fetch(request, environment)),
      )
    } catch (error) {
      return notReady(error)
    }
  },

  /** By a cron trigger: what servers do once a minute. */
  async scheduled(_: unknown, environment: Environment, lifetime: Lifetime): Promise<void> {
    await inScope(environment, lifetime, async () => {
      await openApp(environment)
      await sweepRetired(currentScope().db)
    })
  },
}
