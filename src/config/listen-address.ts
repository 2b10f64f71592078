/** Where the server listens. */
export interface ListenAddress {
  /** Host name or address without brackets; `0.0.0.0` when only a port was given. */
  readonly host: string
  /** 0..65535; 0 lets the system choose. */
  readonly port: number
}

/** Parses `HOST:PORT`, `:PORT` (every interface) or `[IPv6]:PORT`; null when `text` is none of them. */
export function parseListenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(text)
  if (match === null) return null
  const port = Number(match[3])
  if (port > 65535) return null
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port }
}
