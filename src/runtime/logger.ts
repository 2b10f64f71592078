/**
 * Structured logs, one line an event: JSON in pino's form (`level`, `time`, `msg`, then the fields) or text for a terminal. Fields
 * are given by name, so that nobody logs a request, a configuration or an error's whole inside by accident.
 */

/** pino's level numbers; `panic` is lakeFS's name for what is above fatal. */
const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, panic: 70, none: 100 } as const
export type LogLevel = keyof typeof LEVELS
export type LogFields = Readonly<Record<string, unknown>>

export type LogLine = (fields: LogFields, message: string) => void

export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

export interface LoggerOptions {
  readonly format: 'text' | 'json'
  readonly level: LogLevel
  /** Takes one line, its newline included. */
  readonly write: (line: string) => void
}

/** A logger that drops what is below `level`. */
export function createLogger({ format, level, write }: LoggerOptions): Logger {
  const at = (name: LogLevel) => lineAt({ format, level, write }, name) ?? (() => undefined)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** What writes lines at one level; null when they would be dropped, so that nobody makes them. */
export function lineAt({ format, level, write }: LoggerOptions, at: LogLevel): LogLine | null {
  if (LEVELS[at] < LEVELS[level] || at === 'none') return null
  const line = format === 'json' ? jsonLine : textLine
  return (fields, message) => write(line(at, fields, message))
}

function jsonLine(level: LogLevel, fields: LogFields, message: string): string {
  return `${JSON.stringify({ level: LEVELS[level], time: Date.now(), msg: message, ...fields }, plainErrors)}\n`
}

function textLine(level: LogLevel, fields: LogFields, message: string): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`)
  return `${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join('')}\n`
}

function textValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message)
  return typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value, plainErrors)
}

function plainErrors(_: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  return {
    type: name,
    message,
    stack,
    ...('code' in value ? { code: value.code } : {}),
    ...(cause === undefined ? {} : { cause }),
  }
}
