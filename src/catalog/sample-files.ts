/** What a repository made with sample data holds: a few small files of the kinds that people keep in lakes. Always the same bytes. */

export interface SampleFile {
  readonly path: string
  readonly contentType: string
  readonly text: string
}

/** In no order. All of them together stay below 100 kB. */
export function sampleFiles(): readonly SampleFile[] {
  return [
    { path: 'README.md', contentType: 'text/markdown', text: README },
    { path: 'lakes.csv', contentType: 'text/csv', text: LAKES },
    ...MONTHS.map((days, at) => ({
      path: `levels/month=2025-0${at + 1}/levels.csv`,
      contentType: 'text/csv',
      text: levelsOfMonth(at + 1, days),
    })),
    { path: 'boats/departures.jsonl', contentType: 'application/x-ndjson', text: departures() },
    { path: 'boats/_SUCCESS', contentType: 'application/octet-stream', text: '' },
  ]
}

const README = `# Sample data

A small lake to try things on. Nothing depends on it: change it, delete it, branch from it.

| path | what it is |
|---|---|
| \`lakes.csv\` | larger lakes of Switzerland: area, greatest depth and elevation, rounded |
| \`levels/month=…/levels.csv\` | daily levels of two of them, made up, one file a month as a partitioned table has it |
| \`boats/departures.jsonl\` | departures of boats, made up, one JSON object a line |
| \`boats/_SUCCESS\` | the empty file with which Spark says that a folder is complete |

Things to try:

1. Make a branch from \`main\`, upload a corrected \`lakes.csv\` there and look at what has changed.
2. Commit it, and read \`lakes.csv\` at \`main\` and at your branch: both are there.
3. Tag the branch. Whatever happens later, the tag reads the same.

Direct writes to the default branch are refused: a protection rule keeps them out. It can be taken away in the repository's settings.
`

const LAKES = `name,area_km2,max_depth_m,elevation_m
Geneva,580,310,372
Constance,536,251,395
Neuchatel,218,152,429
Maggiore,213,372,193
Lucerne,114,214,434
Zurich,88,136,406
Lugano,49,288,271
Thun,48,217,558
Biel,39,74,429
Zug,38,198,413
Brienz,30,260,564
Walen,24,145,419
Murten,23,46,429
`

/** Days of January, February and March 2025. */
const MONTHS = [31, 28, 31]
const LAKE_LEVELS_CM = [
  ['Thun', 55_763],
  ['Brienz', 56_372],
] as const

/** Levels wander by a few centimetres a day, in whole numbers, so that every runtime writes the same text. */
function levelsOfMonth(month: number, days: number): string {
  const lines = ['date,lake,level_m']
  for (const [lake, meanCm] of LAKE_LEVELS_CM) {
    const next = numbers(meanCm + month)
    let levelCm = meanCm
    for (let day = 1; day <= days; day++) {
      levelCm += (next() % 7) - 3
      lines.push(`2025-0${month}-${twoDigits(day)},${lake},${Math.floor(levelCm / 100)}.${twoDigits(levelCm % 100)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

const BOATS = ['Bubenberg', 'Stadt Thun', 'Brienz', 'Jungfrau', 'Interlaken']
const PIERS = ['Thun', 'Spiez', 'Interlaken West', 'Interlaken Ost', 'Brienz']

function departures(): string {
  const next = numbers(2025)
  let lines = ''
  for (let id = 1; id <= 200; id++) {
    const day = 1 + (next() % 31)
    const at = `2025-03-${twoDigits(day)}T${twoDigits(8 + (next() % 10))}:${twoDigits((next() % 12) * 5)}:00+01:00`
    const departure = { id, at, boat: pick(BOATS, next()), pier: pick(PIERS, next()), passengers: next() % 300 }
    lines += `${JSON.stringify(departure)}\n`
  }
  return lines
}

/** The same sequence for the same seed, in whole numbers from 0 to 32767. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 16) & 0x7fff
  }
}

function pick(from: readonly string[], number: number): string | undefined {
  return from[number % from.length]
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}
