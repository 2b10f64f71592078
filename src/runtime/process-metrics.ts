/** What a server process says about itself, under the names that Prometheus's client libraries have. */
import type { Metrics } from './metrics.ts'

/** What a pool of database connections is used for. */
export interface PoolUse {
  /** Connections that work. */
  readonly busy: number
  /** Callers beyond them. */
  readonly waiting: number
}

/** Registers start, uptime, memory and CPU time of this process, and what the database's pool is used for, where there is one. */
export function registerProcessMetrics(metrics: Metrics, pool: (() => PoolUse) | null): void {
  const startedAtSeconds = Date.now() / 1000 - process.uptime()
  const one = (value: number) => [[[], value] as const]
  metrics.gauge('process_start_time_seconds', 'Start of the process, in Unix seconds.', [], () => one(startedAtSeconds))
  metrics.gauge('process_uptime_seconds', 'Age of the process.', [], () => one(process.uptime()))
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', [], () => one(process.memoryUsage.rss()))
  const cpuHelp = 'CPU time of the process, user and system.'
  const cpuSeconds = () => {
    const { user, system } = process.cpuUsage()
    return one((user + system) / 1e6)
  }
  metrics.gauge('process_cpu_seconds_total', cpuHelp, [], cpuSeconds, 'counter')
  if (pool === null) return
  const poolHelp = 'Connections to Postgres that work, and that callers wait for.'
  metrics.gauge('database_connections', poolHelp, ['state'], () => {
    const { busy, waiting } = pool()
    return [
      [['busy'], busy],
      [['waited_for'], waiting],
    ]
  })
}
