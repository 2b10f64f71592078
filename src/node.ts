/** Runtime entry for Node >= 20, bundled by `scripts/build-node.mjs`. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { serve } from '@hono/node-server'
import { createLocalAdapter } from '../adapters/local.ts'
import { createMemAdapter } from '../adapters/mem.ts'
import { createS3Adapter } from '../adapters/s3.ts'
import { createPgDb } from './db/pg-client.ts'
import { streamFile } from './runtime/file-body.ts'
import { nodeHttp } from './runtime/http.ts'
import { main, type ServerPlatform } from './serve.ts'

/** lakeFS allows header lines of 1 MiB in all; Node's own limit is 16 KiB. */
const MAX_HEADER_BYTES = 128 * 1024
const TIDY_EVERY_MS = 50

const platform: ServerPlatform = {
  name: `Node ${process.versions.node}`,
  factories: {
    local: (definition) => createLocalAdapter(definition, { fileBody: streamFile }),
    mem: createMemAdapter,
    s3: (definition) => createS3Adapter(definition, nodeHttp),
  },
  openPostgres: createPgDb,
  connection(_, environment) {
    const { incoming } = environment as { incoming: IncomingMessage }
    return { peerAddress: incoming.socket.remoteAddress ?? null, target: incoming.url ?? '/' }
  },
  listen: (app, { host, port }, tls) =>
    new Promise((resolve, reject) => {
      const serverOptions = { requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES }
      const options =
        tls === null
          ? { serverOptions }
          : {
              createServer: createTlsServer,
              serverOptions: { ...serverOptions, cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) },
            }
      const server = serve({ fetch: app.fetch, hostname: host, port, ...options }, (address) => {
        resolve({
          port: address.port,
          stop: (graceMs) =>
            new Promise((done) => {
              const impatient = setTimeout(
                () => 'closeAllConnections' in server && server.closeAllConnections(),
                graceMs,
              )
              // Again and again, since a connection whose request ends later would be kept for another one.
              const tidying = setInterval(
                () => 'closeIdleConnections' in server && server.closeIdleConnections(),
                TIDY_EVERY_MS,
              )
              server.close(() => {
                clearTimeout(impatient)
                clearInterval(tidying)
                done()
              })
            }),
        })
      })
      server.on('error', reject)
      server.on('clientError', refuseMalformed)
      server.on('request', dropRestWhenAnswered)
    }),
}

/**
 * Answers what Node's parser cannot make a request of: with a message, as everything that is refused. Only half of a request may have
 * come, or an answer be under way on the connection already; then it just ends.
 */
function refuseMalformed(error: Error & { readonly code?: string; readonly rawPacket?: Buffer }, socket: Duplex): void {
  const answering = '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined
  if (!socket.writable || answering || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `request headers are larger than ${MAX_HEADER_BYTES} bytes in all`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request did not come in time']
        : ['400 Bad Request', `cannot read the HTTP request: ${error.message}`]
  const body = `${JSON.stringify({ message })}\n`
  const headers = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`
  const isHead = error.rawPacket?.toString('latin1', 0, 5) === 'HEAD '
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${isHead ? '' : body}`)
}

/**
 * What is left of a body when its request has been answered must be read, or the next request on the connection never is. The web
 * stream over it, which nobody reads any more, would pause it; without its listeners the rest flows away, and the connection that
 * does not get it done within half a second is closed (by `@hono/node-server`).
 */
function dropRestWhenAnswered(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('finish', () => {
    if (incoming.readableEnded || incoming.destroyed) return
    incoming.removeAllListeners('data')
    incoming.resume()
  })
}

await main(platform, process.argv.slice(2))
