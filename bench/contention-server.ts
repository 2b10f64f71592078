/** The Bun server as it is, which says at its end how many trees it built for its commits. For `contention.ts`. */
import { platform } from '../src/bun.ts'
import { main } from '../src/serve.ts'

let commits = 0
let trees = 0
/** Of the commit under way: those of one branch take turns in a process. */
let own = 0
let most = 0

process.once('exit', () => {
  process.stdout.write(`trees built: ${trees} for ${commits} commits that were asked for, at most ${most} for one\n`)
})
await main(platform, process.argv.slice(2), (step) => {
  if (step === 'commit.sealed') {
    commits++
    own = 0
  } else if (step === 'commit.tree-written') {
    trees++
    most = Math.max(most, ++own)
  }
})
