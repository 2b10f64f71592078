/** What the storages were asked for, as metrics. Fits `WatchStorage` of `src/block/watched-adapter.ts`, a peer. */
import type { Counter, Histogram, Metrics } from './metrics.ts'

/** Requests to a storage, now. */
interface Use {
  readonly running: number
  readonly waiting: number
}

interface StorageName {
  readonly id: string
  readonly type: string
}

/** Registers the metrics; answers what tells them of one storage. Storages, operations and outcomes are few, so series are too. */
export function createStorageMetrics(metrics: Metrics) {
  const storage = ['storage_id', 'type'] as const
  const requests = metrics.counter(
    'storage_requests_total',
    'Requests to storages, by outcome: ok or the code of the failure.',
    [...storage, 'operation', 'outcome'],
  )
  const durations = metrics.histogram(
    'storage_request_duration_seconds',
    'Time until a storage answered, waiting for a turn included; of a stream that is read: until it began.',
    [...storage, 'operation'],
  )
  const sent = metrics.counter('storage_sent_bytes_total', 'Bytes of known size that storages stored.', storage)
  const received = metrics.counter('storage_received_bytes_total', 'Bytes that storages gave.', storage)
  const uses = new Map<string, { readonly name: StorageName; readonly use: () => Use }>()
  const sample = (count: (use: Use) => number) => () =>
    [...uses.values()].map(({ name, use }) => [[name.id, name.type], count(use())] as const)
  metrics.gauge(
    'storage_requests_in_flight',
    'Requests that storages are working on.',
    storage,
    sample(({ running }) => running),
  )
  metrics.gauge(
    'storage_requests_waiting',
    'Requests that wait for their turn at a storage.',
    storage,
    sample(({ waiting }) => waiting),
  )

  return (name: StorageName, use: () => Use) => {
    const { id, type } = name
    uses.set(id, { name, use })
    const outcomes = new Map<string, Counter>()
    const times = new Map<string, Histogram>()
    const sentHere = sent.with(id, type)
    const receivedHere = received.with(id, type)
    return {
      observe(operation: string, outcome: string, seconds: number): void {
        const key = `${operation} ${outcome}`
        let counter = outcomes.get(key)
        if (counter === undefined) {
          counter = requests.with(id, type, operation, outcome)
          outcomes.set(key, counter)
        }
        counter.add(1)
        let histogram = times.get(operation)
        if (histogram === undefined) {
          histogram = durations.with(id, type, operation)
          times.set(operation, histogram)
        }
        histogram.observe(seconds)
      },
      transferred(sentBytes: number, receivedBytes: number): void {
        sentHere.add(sentBytes)
        receivedHere.add(receivedBytes)
      },
    }
  }
}
