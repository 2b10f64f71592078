/** The server as a Cloudflare Worker: in workerd, on R2, with Postgres behind a Hyperdrive binding. */
import { afterAll, beforeAll, describe } from 'vitest'
import { describeThread } from '../acceptance/thread.ts'
import type { Target } from '../support/http.ts'
import { createDatabase, stopPostgres } from '../support/postgres.ts'
import { type RunningWorker, setUp, startWorker } from '../support/worker.ts'

const stores = [
  { id: 'lake', type: 'r2', backward_compatible: true, r2: { binding: 'LAKE', bucket: 'lake' } },
  { id: 'unbound', type: 'r2', r2: { binding: 'NOWHERE', bucket: 'nowhere' } },
]
const secrets = {
  INTERLAKEN_AUTH_ENCRYPT_SECRET_KEY: 'a secret for tests',
  INTERLAKEN_BLOCKSTORES_SIGNING_SECRET_KEY: 'another secret for tests',
}

afterAll(stopPostgres)

describe('the thread on workerd', () => {
  let worker: RunningWorker | undefined
  let target: Target | undefined
  const server = () => {
    if (target === undefined) throw new Error('the Worker is there once the first hook ran')
    return target
  }

  beforeAll(async () => {
    worker = await startWorker({
      hyperdrives: { HYPERDRIVE: await createDatabase() },
      r2Buckets: { LAKE: 'lake' },
      bindings: { ...secrets, INTERLAKEN_BLOCKSTORES_STORES: JSON.stringify(stores) },
    })
    target = await setUp(worker)
  })
  afterAll(async () => {
    if (process.env.SHOW) console.log(worker?.output())
    await worker?.stop()
  })

  describeThread('in an R2 bucket', server, () => ({ id: 'lake', namespace: 's3://lake/thread' }))
  describeThread('on the default storage', server, () => ({ id: null, namespace: 's3://lake/default' }))
})
