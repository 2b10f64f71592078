/** What a repository with sample data begins with: small, made here, and readable by whatever people try first. */

export interface SampleFile {
  readonly path: string
  readonly contentType: string
  readonly text: string
}

/** Surface in km², greatest depth in m, height above the sea in m. */
const lakes = [
  ['Brienzersee', 'Aare', 29.8, 260, 564],
  ['Thunersee', 'Aare', 48.3, 217, 558],
  ['Bielersee', 'Aare', 39.3, 74, 429],
  ['Lac de Neuchâtel', 'Zihl', 217.9, 152, 429],
  ['Vierwaldstättersee', 'Reuss', 113.6, 214, 434],
  ['Zürichsee', 'Limmat', 88.7, 136, 406],
  ['Walensee', 'Linth', 24.2, 151, 419],
  ['Lago Maggiore', 'Ticino', 212.5, 372, 193],
] as const

/** The files of the sample commit, by path. */
export const sampleFiles: readonly SampleFile[] = [
  { path: 'README.md', contentType: 'text/markdown; charset=utf-8', text: readme() },
  { path: 'lakes/lakes.csv', contentType: 'text/csv; charset=utf-8', text: lakesCsv() },
  {
    path: 'levels/year=2025/brienzersee.jsonl',
    contentType: 'application/x-ndjson',
    text: levels('Brienzersee', 564, 2025),
  },
  {
    path: 'levels/year=2025/thunersee.jsonl',
    contentType: 'application/x-ndjson',
    text: levels('Thunersee', 558, 2025),
  },
  {
    path: 'levels/year=2026/brienzersee.jsonl',
    contentType: 'application/x-ndjson',
    text: levels('Brienzersee', 564, 2026),
  },
  {
    path: 'levels/year=2026/thunersee.jsonl',
    contentType: 'application/x-ndjson',
    text: levels('Thunersee', 558, 2026),
  },
]

function readme(): string {
  return `# Sample data

Lakes of the Alps and the water levels of two of them, as something to try branches, commits and tags with.

| path | what it is |
|---|---|
| \`lakes/lakes.csv\` | eight lakes with their surface (km²), greatest depth (m) and height above the sea (m) |
| \`levels/year=…/\` | a level (m above the sea) for each day, one JSON object a line; made up, with the shape of a year |

Things to do with it:

1. make a branch \`cleaning\` of this one, remove a line of a file there and commit it;
2. read \`levels/year=2026/thunersee.jsonl\` on both branches: each has its own;
3. tag the first commit \`v1\`, and read \`v1\` whenever you want this state back.

The branch is protected: changes go to a branch of your own first.
`
}

function lakesCsv(): string {
  const rows = lakes.map((lake) => lake.join(','))
  return `${['name,river,surface_km2,depth_m,height_m', ...rows].join('\n')}\n`
}

/** A level for each day of the year: low in winter, high when the snow melts. */
function levels(lake: string, heightMeters: number, year: number): string {
  const lines: string[] = []
  for (let day = 0; day < 365; day++) {
    const date = new Date(Date.UTC(year, 0, 1 + day)).toISOString().slice(0, 10)
    const season = 0.45 * Math.sin(((day - 80) / 365) * 2 * Math.PI)
    const weather = 0.08 * Math.sin(day * 0.7 + year) + 0.03 * Math.cos(day * 2.3)
    lines.push(JSON.stringify({ lake, date, level_m: Number((heightMeters + season + weather).toFixed(2)) }))
  }
  return `${lines.join('\n')}\n`
}
