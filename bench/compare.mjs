// node compare.mjs A.jsonl B.jsonl
// B against A, operation by operation. >1 means B is faster. "adjusted" divides by how much faster B's machine was at that
// moment (cal-hash for the streams, cal-http for the rest): quote it only where A and B were not measured in one run.
import { readFileSync } from 'node:fs'

const load = (file) =>
  Object.fromEntries(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((l) => l.startsWith('{'))
      .map((l) => JSON.parse(l))
      .map((o) => [o.op, o]),
  )
const [a, b] = process.argv.slice(2).map(load)
const rate = (o) => o.perSec ?? o.MiBs ?? 1 / o.secs
const machine = (op) => {
  const c = op.startsWith('stream') || op === 'cal-hash' ? 'cal-hash' : 'cal-http'
  return a[c] && b[c] ? rate(b[c]) / rate(a[c]) : 1
}
console.log(
  'operation'.padEnd(30),
  'A /s'.padStart(12),
  'B /s'.padStart(12),
  'B/A'.padStart(7),
  'adjusted'.padStart(9),
  '  p99 ms A / B     CPU us A / B       errors  RSS MiB A / B',
)
for (const [op, x] of Object.entries(a)) {
  if (op === 'done') continue
  const y = b[op]
  if (!y) {
    console.log(op.padEnd(30), 'missing in B')
    continue
  }
  if ((y.errs && !y.ops) || (x.errs && !x.ops)) {
    console.log(op.padEnd(30), 'failed in', y.errs ? 'B' : 'A')
    continue
  }
  const r = rate(y) / rate(x)
  console.log(
    op.padEnd(30),
    rate(x).toFixed(2).padStart(12),
    rate(y).toFixed(2).padStart(12),
    r.toFixed(2).padStart(7),
    (r / machine(op)).toFixed(2).padStart(9),
    `  ${x.p99ms ?? '-'} / ${y.p99ms ?? '-'}`.padEnd(19),
    `${x.cpuUs ?? '-'} / ${y.cpuUs ?? '-'}`.padEnd(18),
    `${x.errs ?? 0}/${y.errs ?? 0}`.padEnd(7),
    `${x.mem?.rssMiB ?? '-'} / ${y.mem?.rssMiB ?? '-'}`,
  )
}
