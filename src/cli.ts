/**
 * The command line: what `npm start -- …` and the entries understand. Parsing and help only; the entries act on the command.
 */
import { parseArgs } from 'node:util'
import { parseListenAddress } from './config/listen-address.ts'
import { nearest } from './config/nearest.ts'

/** What the command line asks for. */
export type Command =
  | {
      readonly name: 'serve'
      /** `--config`; null: the start without a file. */
      readonly configFile: string | null
      /** `--data`; null: `./data`. */
      readonly dataDirectory: string | null
      /** `--listen`; null: what the configuration says. */
      readonly listen: string | null
      /** Validate, print, end: 0 when the server would start, 1 when not. */
      readonly checkConfig: boolean
    }
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  /** Not understood: print the line on standard error and end with `usageExitCode`. */
  | { readonly name: 'misused'; readonly message: string }

/** Exit code for a command line that was not understood. */
export const usageExitCode = 2

const options = {
  config: { type: 'string', short: 'c' },
  data: { type: 'string' },
  listen: { type: 'string' },
  'check-config': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/** `run` is lakeFS's name of it. */
const serveNames = ['serve', 'run']

/** Understands the arguments after the program's name. Never throws. */
export function parseArguments(argv: readonly string[]): Command {
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string | true>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const problem = problemWith(token, values)
    if (problem !== null) return misused(problem)
    values.set(token.name, token.value ?? true)
  }
  if (values.has('help')) return { name: 'help' }
  if (values.has('version')) return { name: 'version' }
  const [word = 'serve', extra] = words
  if (!serveNames.includes(word))
    return misused(`there is no command "${word}"${didYouMean(nearest(word, serveNames))}`)
  if (extra !== undefined) return misused(`"${extra}" is one word too many after ${word}`)
  return serve(values)
}

function serve(values: ReadonlyMap<string, string | true>): Command {
  const text = (flag: string): string | null => {
    const value = values.get(flag)
    return typeof value === 'string' ? value : null
  }
  const listen = text('listen')
  if (listen !== null && parseListenAddress(listen) === null) {
    return misused(`--listen "${listen}" is no HOST:PORT, such as 127.0.0.1:8000`)
  }
  if (values.has('config') && values.has('data')) {
    return misused('--data is for a start without a configuration file; with --config the file names the places')
  }
  return {
    name: 'serve',
    configFile: text('config'),
    dataDirectory: text('data'),
    listen,
    checkConfig: values.has('check-config'),
  }
}

/** Why a flag cannot be taken, or null. */
function problemWith(
  token: {
    readonly name: string
    readonly rawName: string
    readonly value?: string | undefined
    readonly inlineValue?: boolean | undefined
  },
  earlier: ReadonlyMap<string, string | true>,
): string | null {
  const names = Object.keys(options)
  if (!names.includes(token.name)) {
    return `there is no flag ${token.rawName}${didYouMean(nearest(token.name, names), '--')}`
  }
  const takesValue = options[token.name as keyof typeof options].type === 'string'
  if (takesValue && (token.value === undefined || token.value === '')) return `${token.rawName} needs a value`
  if (takesValue && token.inlineValue === false && token.value?.startsWith('--'))
    return `${token.rawName} needs a value before ${token.value}`
  if (!takesValue && token.inlineValue === true) return `${token.rawName} takes no value`
  return earlier.has(token.name) ? `${token.rawName} is given twice` : null
}

function didYouMean(candidate: string | null, prefix = ''): string {
  return candidate === null ? '' : `; did you mean ${prefix}${candidate}?`
}

function misused(problem: string): Command {
  return { name: 'misused', message: `interlaken: ${problem} (--help explains every flag)` }
}

/** What `--help` prints. */
export const helpText = `Interlaken: version control for data in many storages at once, for lakeFS clients

Usage:
  npm start [-- FLAGS]              (with Bun alone: bun run start FLAGS)

Without --config the server listens on 127.0.0.1:8000 and keeps everything in ./data: two local
storages (lake-a, lake-b), an embedded database and its secrets. The first start prints the first
administrator's credentials, once.

Flags:
  -c, --config FILE     run this lakeFS configuration file (YAML), with lakeFS's defaults
      --check-config    check the configuration, print it with its secrets hidden, and end:
                        0 when the server would start, 1 with one line for each fault
      --data DIR        where a start without --config keeps everything (default ./data)
      --listen HOST:PORT
                        where to listen, whatever the configuration says; port 0 takes a free one
  -h, --help            print this
  -v, --version         print the version

Commands:
  serve, run            start the server; what happens without a command, too

Environment:
  INTERLAKEN_KEY        sets one key of the configuration, over the file: the key in upper case, "_"
                        for ".", lists and sections as JSON. INTERLAKEN_LISTEN_ADDRESS=:9000,
                        INTERLAKEN_BLOCKSTORES_STORES='[{"id":"a","type":"mem"}]'
  LAKEFS_KEY            the same, for environments made for lakeFS; INTERLAKEN_KEY wins
  DATABASE_URL          a Postgres server to use as the database: postgres://user:password@host/name
  INTERLAKEN_RUNTIME    node: run on Node instead of Bun

docs/configuration.md explains every key; examples/config/ has files to start from.
`
