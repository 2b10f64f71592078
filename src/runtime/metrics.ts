/**
 * Counters, gauges and histograms in Prometheus's text exposition
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
 *
 * Our own, since prom-client hashes the labels at every observation (250 to 360 ns each, also through its bound children) and brings
 * `cluster`, `v8` and a push gateway, 170 KB, into a Worker that starts with none of them. Here a series is looked up once and kept:
 * an observation is an addition.
 */

/** A number that only grows. */
export interface Counter {
  add(amount: number): void
}

/** Observations in buckets; what is observed is in seconds. */
export interface Histogram {
  observe(seconds: number): void
}

/** The series of one name, by the values of its labels. */
export interface Family<Series> {
  /** The series with these label values, made when it is new. Worth keeping by whoever observes often. */
  with(...values: readonly string[]): Series
}

/** A value read when somebody asks: its label values and the number. */
export type GaugeSample = readonly [labelValues: readonly string[], value: number]

export interface Metrics {
  counter(name: string, help: string, labels: readonly string[], options?: FamilyOptions): Family<Counter>
  histogram(name: string, help: string, labels: readonly string[]): Family<Histogram>
  /** Read at each exposition; `type` is `counter` for what the runtime itself counts. */
  gauge(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly GaugeSample[],
    type?: 'gauge' | 'counter',
  ): void
  /** The exposition. */
  text(): string
}

export interface FamilyOptions {
  /** Beyond this many series every new one is the one whose labels are all `other`. Absent: the caller's label values are few. */
  readonly maxSeries?: number
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** lakeFS's buckets, and three below them for what is answered from memory. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Writes the lines of one name. */
type Writer = () => string

export function createMetrics(): Metrics {
  const writers: Writer[] = []

  function add(name: string, help: string, type: string, lines: () => Iterable<string>): void {
    writers.push(() => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${[...lines()].join('')}`)
  }

  return {
    counter(name, help, labels, options) {
      const family = createFamily(labels, () => new CounterSeries(), options)
      add(name, help, 'counter', function* () {
        for (const [text, series] of family.series()) yield `${name}${braces(text)} ${series.value}\n`
      })
      return family
    },
    histogram(name, help, labels) {
      const family = createFamily(labels, () => new HistogramSeries())
      add(name, help, 'histogram', function* () {
        for (const [text, series] of family.series()) yield* series.lines(name, text)
      })
      return family
    },
    gauge(name, help, labels, read, type = 'gauge') {
      add(name, help, type, function* () {
        for (const [values, value] of read()) yield `${name}${braces(labelText(labels, values))} ${value}\n`
      })
    },
    text: () => writers.map((write) => write()).join(''),
  }
}

class CounterSeries implements Counter {
  value = 0

  add(amount: number): void {
    this.value += amount
  }
}

class HistogramSeries implements Histogram {
  readonly #counts = new Array<number>(BUCKETS_SECONDS.length + 1).fill(0)
  #sum = 0

  observe(seconds: number): void {
    let at = 0
    while (seconds > (BUCKETS_SECONDS[at] ?? Number.POSITIVE_INFINITY)) at++
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sum += seconds
  }

  *lines(name: string, labels: string): Generator<string> {
    const start = labels === '' ? '' : `${labels},`
    let count = 0
    for (const [at, inBucket] of this.#counts.entries()) {
      count += inBucket
      yield `${name}_bucket{${start}le="${BUCKETS_SECONDS[at] ?? '+Inf'}"} ${count}\n`
    }
    yield `${name}_sum${braces(labels)} ${this.#sum}\n${name}_count${braces(labels)} ${count}\n`
  }
}

function createFamily<Series>(labels: readonly string[], make: () => Series, { maxSeries }: FamilyOptions = {}) {
  const made = new Map<string, Series>()

  function find(values: readonly string[]): Series | undefined {
    return made.get(labelText(labels, values))
  }

  return {
    with(...values: readonly string[]): Series {
      const known = find(values)
      if (known !== undefined) return known
      const isFull = maxSeries !== undefined && made.size >= maxSeries
      const kept = isFull ? labels.map(() => 'other') : values
      const series = (isFull ? find(kept) : undefined) ?? make()
      made.set(labelText(labels, kept), series)
      return series
    },
    series: () => made.entries(),
  }
}

function labelText(labels: readonly string[], values: readonly string[]): string {
  return labels.map((label, at) => `${label}="${escapeValue(values[at] ?? '')}"`).join(',')
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}
