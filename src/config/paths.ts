import { isAbsolute, join, relative, resolve } from 'node:path'

/** What a path in a configuration is relative to. */
export interface PathContext {
  /** What `~` stands for. */
  readonly homeDirectory: string
  /** What relative paths start from. */
  readonly currentDirectory: string
}

/** What the rules ask of the file system; pure answers where there is none. */
export interface FileFacts extends PathContext {
  /** The path that an absolute one really names, as far as it exists. */
  realPath(path: string): string
  /** Why a file cannot be read, for people; null when it can. */
  unreadable(path: string): string | null
}

/** `written` as an absolute path: `~` and `~/…` expanded, the rest relative to the current directory. */
export function expandPath(written: string, context: PathContext): string {
  const expanded = written === '~' || written.startsWith('~/') ? join(context.homeDirectory, written.slice(1)) : written
  return resolve(context.currentDirectory, expanded)
}

/** True when `inner` is `outer` or lies in it; both absolute. */
export function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner)
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way))
}
