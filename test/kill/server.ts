/**
 * The server on Bun, for the kill tests: writes every step it passes to the file of `KILL_HITS`, and kills itself, with no chance to
 * tidy up, at the `KILL_OCCURRENCE`-th time of the step `KILL_STEP`.
 */
import { openSync, writeSync } from 'node:fs'
import { platform } from '../../src/bun.ts'
import type { Step } from '../../src/catalog/steps.ts'
import { main } from '../../src/serve.ts'

const { KILL_HITS: hitsFile = '/dev/null', KILL_STEP: fatalStep, KILL_OCCURRENCE: fatalOccurrence } = process.env
const hits = openSync(hitsFile, 'a')
let occurrence = 0

function observe(step: Step): void {
  writeSync(hits, `${step}\n`)
  if (step !== fatalStep || ++occurrence !== Number(fatalOccurrence)) return
  writeSync(hits, `killed ${step}\n`)
  process.kill(process.pid, 'SIGKILL')
}

// A lease that a killed server left is over at the next start.
const compacting = { leaseMs: 1, settleMs: 0, restMs: 0, restFactor: 0 }
await main(platform, process.argv.slice(2), observe, compacting)
