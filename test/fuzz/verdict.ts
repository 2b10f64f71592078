/** What is wrong with an answer. */
import { successProblem } from '../support/contract.ts'
import { type Draft, targetOf } from './draft.ts'
import type { Outcome, WireAnswer } from './wire.ts'

/** Statuses that the contract tells otherwise than the server it describes. */
const KNOWN_STATUS: Readonly<Record<string, number>> = { updateObjectUserMetadata: 204 }

/** How a message is told of that leaves out what was bad. It may be about something else, which was bad before. */
export const UNNAMED = 'the message does not name'

/** The reason why an outcome is a failure, null when all is well. `unbuilt` are the operations that answer 501. */
export function problemOf(draft: Draft, outcome: Outcome, unbuilt: ReadonlySet<string>): string | null {
  if (outcome.kind === 'hang') return 'no answer: it hangs'
  if (outcome.kind === 'closed') return `no answer: the connection closed (${outcome.reason})`
  const { answer } = outcome
  const { status } = answer
  const isSameOperation = draft.method === draft.operation.method
  // The runtime's own word, said before any request is one.
  if (status === 431) return null
  if (status >= 500 && status !== 501) return `status ${status}`
  if (status < 400) return isSameOperation ? successFault(draft, answer) : null
  const problem = refusalFault(draft, answer)
  if (problem !== null || draft.method === 'HEAD') return problem
  const { message } = JSON.parse(answer.body.toString()) as { message?: string }
  if (message === undefined) return null
  // Not HTTP to the runtime (Node takes no raw bytes in a target): no operation saw it.
  if (message.startsWith('cannot read the HTTP request: ')) return null
  return isSameOperation ? messageFault(draft, status, message, unbuilt) : null
}

function successFault(draft: Draft, answer: WireAnswer): string | null {
  const { expect, operation } = draft
  if (expect.kind === 'stranger' && !operation.open && operation.id !== 'getCurrentUser') return 'a stranger was served'
  if (expect.kind === 'bad' && expect.certain) return `bad input was accepted: ${expect.field}`
  // Another path than the operation's: dots and slashes may lead to another operation.
  if (draft.story.some((step) => step.startsWith('path '))) return null
  if (KNOWN_STATUS[operation.id] === answer.status) return null
  return successProblem(operation.method.toLowerCase(), operation.path, answer.status, answer.body)
}

/** A refusal is JSON with a message; to a HEAD it is its status alone. */
function refusalFault({ method, operation }: Draft, { status, headers, body }: WireAnswer): string | null {
  if (method === 'HEAD') return body.length === 0 ? null : 'a HEAD with a body'
  if (headers.get('content-type')?.startsWith('application/json') !== true)
    return `a refusal (${status}) of type ${headers.get('content-type')}: ${body.toString().slice(0, 200)}`
  try {
    const json: unknown = JSON.parse(body.toString())
    // Conflicts of a merge have a body of their own.
    if (operation.id === 'mergeIntoBranch' && status === 409 && isConflict(json)) return null
    const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined
    return typeof message === 'string' && message !== '' ? null : `a refusal (${status}) without a message`
  } catch {
    return `a refusal (${status}) that is no JSON: ${body.toString().slice(0, 200)}`
  }
}

function isConflict(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'reference' in json && json.reference === ''
}

function messageFault(draft: Draft, status: number, message: string, unbuilt: ReadonlySet<string>): string | null {
  const { expect, operation, story } = draft
  const rerouted = story.some((step) => step.startsWith('path '))
  if (expect.kind === 'stranger') {
    if (operation.open || operation.id === 'getCurrentUser' || rerouted) return null
    return status === 401 && message === 'error authenticating request' ? null : `a stranger got ${status} ${message}`
  }
  if (unbuilt.has(operation.id) && !rerouted)
    return status === 501 || (status === 401 && story.length > 1)
      ? null
      : `an operation that is not built answered ${status} ${message}`
  if (story.length !== 1 || expect.kind !== 'bad' || status !== 400) return null
  if (SAID_OF_BRANCHES.test(message)) return null
  return names(message, expect.field) ? null : `${UNNAMED} "${expect.field}": ${message}`
}

/** What is on a branch refuses the request, whatever it was. */
const SAID_OF_BRANCHES =
  /no changes$|^uncommitted changes \(dirty branch\)$|^cannot write a symlink file for folder|^cannot use source MetaRange/

/** An expression for a commit is a ref to every message, whatever the contract calls its field. */
const REFS = new Set(['commitId', 'source', 'src_ref', 'sourceRef', 'leftRef', 'rightRef', 'destinationBranch'])

function names(message: string, field: string): boolean {
  const said = message.toLowerCase().replaceAll('_', ' ')
  return said.includes(field.toLowerCase().replaceAll('_', ' ')) || (REFS.has(field) && /\bref\b/.test(said))
}

/** How to send a failed case again. */
export function retold(draft: Draft, seed: number): string {
  const target = targetOf(draft)
  const shown = target.length > 300 ? `${target.slice(0, 300)}… (${target.length})` : target
  return `INTERLAKEN_FUZZ_SEED=${seed} INTERLAKEN_FUZZ_OPERATION=${draft.operation.id}: ${draft.method} ${shown} [${draft.story.join('; ')}]`
}
