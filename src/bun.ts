/** Runtime entry for Bun >= 1.4, the default. */
import { createLocalAdapter } from '../adapters/local.ts'
import { createMemAdapter } from '../adapters/mem.ts'
import { createS3Adapter } from '../adapters/s3.ts'
import { type BunSql, createBunSqlDb } from './db/bun-sql-client.ts'
import { bunFile } from './runtime/file-body.ts'
import { bunHttp } from './runtime/http.ts'
import { main, type ServerPlatform } from './serve.ts'

/** Larger than any object; Bun's own limit is 128 MiB. */
const MAX_BODY_BYTES = 2 ** 40
/** Seconds without a byte after which Bun ends a connection; its largest value. */
const IDLE_SECONDS = 255

/** What is used of Bun's global; its own types would change those of the web standards everywhere. */
interface BunRuntime {
  readonly version: string
  readonly SQL: BunSql
  file(path: string): Blob
  serve(options: {
    hostname: string
    port: number
    maxRequestBodySize: number
    idleTimeout: number
    tls?: { cert: Blob; key: Blob }
    fetch: (request: Request, server: BunServer) => Response | Promise<Response>
  }): BunServer
}

interface BunServer {
  readonly port: number | undefined
  /** Seconds of silence that this request may take; 0: any. */
  timeout(request: Request, seconds: number): void
  requestIP(request: Request): { readonly address: string } | null
  /** Resolves when the requests in flight are done, or with `true` at once. */
  stop(closeConnections?: boolean): Promise<void>
}

const { Bun } = globalThis as unknown as { Bun: BunRuntime }
/** Bun makes the URL out of this header: anything else in it would be taken for the path. */
const HOST = /^[\w.:[\]-]*$/

const fileBody = bunFile(Bun)

export const platform: ServerPlatform = {
  name: `Bun ${Bun.version}`,
  factories: {
    local: (definition) => createLocalAdapter(definition, { fileBody }),
    mem: createMemAdapter,
    s3: (definition) => createS3Adapter(definition, bunHttp),
  },
  openPostgres: (options) => createBunSqlDb(Bun.SQL, options),
  connection(request, environment) {
    const { server } = environment as { server: BunServer }
    return {
      get peerAddress() {
        return server.requestIP(request)?.address ?? null
      },
    }
  },
  async listen(app, { host, port }, tls) {
    const server = Bun.serve({
      hostname: host,
      port,
      maxRequestBodySize: MAX_BODY_BYTES,
      idleTimeout: IDLE_SECONDS,
      ...(tls === null ? {} : { tls: { cert: Bun.file(tls.certFile), key: Bun.file(tls.keyFile) } }),
      async fetch(request, server) {
        // The timeout is for connections that wait for a request, not for a long commit or a client that thinks.
        server.timeout(request, 0)
        const host = request.headers.get('host') ?? ''
        if (HOST.test(host)) {
          const response = await app.fetch(request, { server })
          // The rest of a refused body may never come.
          if (response.status >= 400) server.timeout(request, IDLE_SECONDS)
          return response
        }
        server.timeout(request, IDLE_SECONDS)
        return Response.json({ message: `header "Host" has an error: value ${JSON.stringify(host)}` }, { status: 400 })
      },
    })
    return {
      port: server.port ?? port,
      async stop(graceMs) {
        const impatient = setTimeout(() => server.stop(true), graceMs)
        await server.stop()
        clearTimeout(impatient)
      },
    }
  },
}

if ((import.meta as { main?: boolean }).main) await main(platform, process.argv.slice(2))
