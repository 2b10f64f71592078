import { expect, test } from 'vitest'
import { createMetrics } from '../../src/runtime/metrics.ts'

test('counters, gauges and histograms are written as Prometheus reads them', () => {
  const metrics = createMetrics()
  const requests = metrics.counter('requests_total', 'Requests.', ['code', 'name'])
  requests.with('200', 'a').add(1)
  requests.with('200', 'a').add(2)
  requests.with('500', 'quote " back \\ line\nend').add(1)
  let open = 3
  metrics.gauge('open', 'Open now.', ['state'], () => [[['idle'], open]])
  metrics.gauge('up', 'Always 1.', [], () => [[[], 1]])
  open = 4
  expect(metrics.text()).toBe(`# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",name="a"} 3
requests_total{code="500",name="quote \\" back \\\\ line\\nend"} 1
# HELP open Open now.
# TYPE open gauge
open{state="idle"} 4
# HELP up Always 1.
# TYPE up gauge
up 1
`)
})

test('an observation counts in its bucket and all above, the bound included', () => {
  const metrics = createMetrics()
  const times = metrics.histogram('seconds', 'Time.', ['operation']).with('get')
  for (const seconds of [0.001, 0.0011, 0.3, 61]) times.observe(seconds)
  const lines = metrics.text().split('\n')
  const count = (bound: string) =>
    lines.find((line) => line.startsWith(`seconds_bucket{operation="get",le="${bound}"}`))
  expect(['0.001', '0.0025', '0.25', '0.5', '60', '+Inf'].map((bound) => count(bound)?.split(' ')[1])).toEqual([
    '1',
    '2',
    '2',
    '3',
    '3',
    '4',
  ])
  expect(lines).toContain('seconds_count{operation="get"} 4')
  expect(Number(lines.find((line) => line.startsWith('seconds_sum'))?.split(' ')[1])).toBeCloseTo(61.3021, 9)
})

test('a family that outsiders name stays bounded and loses no count', () => {
  const metrics = createMetrics()
  const events = metrics.counter('events_total', 'Events.', ['class', 'name'], { maxSeries: 3 })
  for (let at = 0; at < 50; at++) events.with('c', `n${at}`).add(1)
  events.with('c', 'n1').add(1)
  const lines = metrics
    .text()
    .split('\n')
    .filter((line) => line.startsWith('events_total'))
  expect(lines).toEqual([
    'events_total{class="c",name="n0"} 1',
    'events_total{class="c",name="n1"} 2',
    'events_total{class="c",name="n2"} 1',
    'events_total{class="other",name="other"} 47',
  ])
})
