// Runs a Worker in Miniflare as a process of its own: `node worker-host.mjs '<Miniflare options as JSON>'`. Prints where it listens and
// ends when its standard input does. A process of its own, since the sockets of Miniflare's Hyperdrive proxy have no error handlers:
// a connection that is reset, as when Postgres or workerd end, is an uncaught exception in whatever process Miniflare runs.
import { Miniflare } from 'miniflare'

process.on('uncaughtException', (error) => {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return
  console.error(error)
  process.exit(1)
})

const miniflare = new Miniflare({
  modules: true,
  compatibilityDate: '2026-04-01',
  compatibilityFlags: ['nodejs_compat'],
  host: '127.0.0.1',
  unsafeTriggerHandlers: true,
  ...JSON.parse(process.argv[2]),
})
console.log(`listening ${await miniflare.ready}`)
process.stdin.resume()
process.stdin.on('end', async () => {
  await miniflare.dispose()
  process.exit(0)
})
