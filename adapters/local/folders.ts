/** Folders of a storage on disk: made once, remembered, and synced for many writers at a time. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder } from './files.ts'

const KNOWN_LIMIT = 50_000

/** Makes and syncs folders. */
export interface Folders {
  /** True when `folder` is known to be there, durably: `ensure` need not be called. */
  isReady(folder: string): boolean
  /** Makes a folder and its parents; answers when their names are durable too. */
  ensure(folder: string): Promise<void>
  /** Forgets a folder that turned out to be gone. */
  forget(folder: string): void
  /** Answers when every name that is in `folder` now is durable. At once where the storage does not sync. */
  sync(folder: string): Promise<void>
}

interface Round {
  running: Promise<void>
  /** Starts when `running` ends: names made after that one began wait for this one. */
  next: Promise<void> | null
}

/** `durable` false: nothing is synced. */
export function createFolders(durable: boolean): Folders {
  const ready = new Set<string>()
  const making = new Map<string, Promise<void>>()
  const rounds = new Map<string, Round>()

  async function make(folder: string): Promise<void> {
    const top = mkdirSync(folder, { recursive: true, mode: 0o755 })
    if (durable) {
      // A folder that was there may have been made a moment ago by a process that has not synced it: its parent is synced too.
      let parent = dirname(folder)
      await sync(parent)
      for (; top !== undefined && parent.length >= top.length; parent = dirname(parent)) await sync(dirname(parent))
    }
    if (ready.size >= KNOWN_LIMIT) ready.clear()
    ready.add(folder)
  }

  function sync(folder: string): Promise<void> {
    if (!durable) return Promise.resolve()
    const round = rounds.get(folder)
    if (round === undefined) {
      const running = syncFolder(folder)
      rounds.set(folder, { running, next: null })
      running.then(
        () => turn(folder),
        () => turn(folder),
      )
      return running
    }
    round.next ??= round.running.then(
      () => syncFolder(folder),
      () => syncFolder(folder),
    )
    return round.next
  }

  function turn(folder: string): void {
    const next = rounds.get(folder)?.next ?? null
    if (next === null) {
      rounds.delete(folder)
      return
    }
    rounds.set(folder, { running: next, next: null })
    next.then(
      () => turn(folder),
      () => turn(folder),
    )
  }

  return {
    isReady: (folder) => ready.has(folder),
    ensure(folder) {
      const begun = making.get(folder)
      if (begun !== undefined) return begun
      const made = make(folder).finally(() => making.delete(folder))
      making.set(folder, made)
      return made
    },
    forget: (folder) => ready.delete(folder),
    sync,
  }
}
