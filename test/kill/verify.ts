/** What must hold on a server that was started again after a kill. */
import { expect } from 'vitest'
import { call, type Target } from '../support/http.ts'
import type { Histories, Interval, Value } from './histories.ts'
import { describeBytes } from './load.ts'

export interface AcknowledgedCommit {
  readonly id: string
  readonly during: Interval
}

/** The entries of a ref by path. */
export async function listAll(
  target: Target,
  repository: string,
  ref: string,
): Promise<Map<string, NonNullable<Value>>> {
  const answer = await call(target, 'GET', `/repositories/${repository}/refs/${ref}/objects/ls?amount=1000`)
  expect(answer.status, answer.bytes.toString()).toBe(200)
  expect(answer.json.pagination.has_more).toBe(false)
  return new Map(
    answer.json.results.map((entry: { path: string; checksum: string; size_bytes: number }) => [
      entry.path,
      { md5: entry.checksum, sizeBytes: entry.size_bytes },
    ]),
  )
}

/** Every entry of the branch is one that the histories allow now, with its bytes; then settles the histories on what was found. */
export async function verifyBranch(target: Target, repository: string, histories: Histories): Promise<void> {
  const found = await listAll(target, repository, 'main')
  const now = histories.tick()
  for (const path of new Set([...found.keys(), ...histories.paths])) {
    const value = found.get(path) ?? null
    expect(
      histories.allows(path, value, { from: now, to: now }),
      `${path} is ${JSON.stringify(value)}; known writes: ${histories.describe(path)}`,
    ).toBe(true)
  }
  for (const path of histories.paths) {
    const answer = await call(
      target,
      'GET',
      `/repositories/${repository}/refs/main/objects?path=${encodeURIComponent(path)}`,
    )
    const value = found.get(path) ?? null
    expect(answer.status, `${path}: ${answer.json?.message}`).toBe(value === null ? 404 : 200)
    if (value !== null) expect(describeBytes(answer.bytes), path).toEqual(value)
    histories.settle(path, value)
  }
}

/** The commit holds what was acknowledged before it was asked for, and nothing that was sent after it was answered. */
export async function verifyCommit(
  target: Target,
  repository: string,
  histories: Histories,
  { id, during }: AcknowledgedCommit,
): Promise<Map<string, NonNullable<Value>>> {
  const found = await listAll(target, repository, id)
  for (const path of new Set([...found.keys(), ...histories.paths])) {
    const value = found.get(path) ?? null
    expect(
      histories.allows(path, value, during),
      `${path} in ${id} [${during.from}, ${during.to}] is ${JSON.stringify(value)}; known writes: ${histories.describe(path)}`,
    ).toBe(true)
  }
  return found
}

/** One unbroken line of commits down to the repository's first, the acknowledged ones among them in their order. Answers its ids, newest first. */
export async function verifyLog(
  target: Target,
  repository: string,
  acknowledged: readonly AcknowledgedCommit[],
): Promise<string[]> {
  const log: { id: string; parents: string[]; generation: number }[] = []
  for (let after = ''; ; after = log.at(-1)?.id ?? '') {
    const answer = await call(target, 'GET', `/repositories/${repository}/refs/main/commits?amount=1000&after=${after}`)
    expect(answer.status, answer.bytes.toString()).toBe(200)
    log.push(...answer.json.results)
    if (!answer.json.pagination.has_more) break
  }
  for (const [at, commit] of log.entries()) {
    const parent = log[at + 1]
    expect(commit.parents).toEqual(parent === undefined ? [] : [parent.id])
    expect(commit.generation).toBe(log.length - at)
  }
  const ids = log.map(({ id }) => id)
  const known = new Set(acknowledged.map(({ id }) => id))
  expect(ids.filter((id) => known.has(id))).toEqual(acknowledged.map(({ id }) => id).reverse())
  return ids
}
