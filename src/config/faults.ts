/** One thing wrong with the configuration. */
export interface Fault {
  /** The key (`blockstores.stores[1].s3.region`), environment variable or file that it is about. */
  readonly path: string
  /** What is wrong and, after a semicolon, what to do about it. Never holds a secret. */
  readonly message: string
}

/** One line about a fault or a warning, for people. */
export function formatFault(fault: Fault): string {
  return `${fault.path}: ${fault.message}`
}

/** A configuration that the server does not start with: every fault that was found, and the warnings that may explain them. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]

  constructor(faults: readonly Fault[], warnings: readonly Fault[] = []) {
    super(
      `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${formatFault(fault)}`).join('\n')}`,
    )
    this.faults = faults
    this.warnings = warnings
  }
}

/** Collects what the passes over a configuration find. */
export interface Findings {
  readonly faults: Fault[]
  readonly warnings: Fault[]
  /** Lines that are neither wrong nor suspicious, such as keys without effect. */
  readonly notes: string[]
}

/** Nothing found yet. */
export function noFindings(): Findings {
  return { faults: [], warnings: [], notes: [] }
}
