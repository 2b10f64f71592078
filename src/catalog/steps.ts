/**
 * The durable steps of a write and of a compaction, in the order in which they happen. Whoever wires the catalog may observe them: traces, and the tests
 * that kill the server at each one.
 */
export const steps = [
  'upload.checked',
  'upload.first-byte',
  'upload.stored',
  'upload.staged',
  'commit.sealed',
  'commit.table-written',
  'commit.tree-written',
  'commit.published',
  'compact.sealed',
  'compact.table-written',
  'compact.tree-written',
  'compact.published',
] as const

export type Step = (typeof steps)[number]

/** Called when a step is done. Must not throw. */
export type ObserveStep = (step: Step) => void
