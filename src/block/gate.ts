/** Gates before storages. */
import { DomainError } from '../errors.ts'
import { Gate, type GateLimits } from '../gate.ts'

/** A gate that refuses with `overloaded`, naming what is behind it. */
export function storageGate(name: string, limits: GateLimits): Gate {
  return new Gate(limits, (reason) => new DomainError('overloaded', `cannot use ${name}: ${reason}; try again later`))
}
