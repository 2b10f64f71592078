/** What the fault tests look at: a repository, its branch, what lies on the disk. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Answer, call, type Target, uniqueName } from '../support/http.ts'
import type { RunningServer } from '../support/server.ts'

const PATIENCE_MS = 15_000

/** Waits for something that will come; fails when it does not. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`this never came: ${what}`)
    await sleep(10)
  }
}

/** Files anywhere under a folder, the repository's marker and tables left out. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('_lakefs'))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => !path.endsWith('/dummy') && !path.includes('_interlaken'))
}

/** Options of a server on the data of an earlier one. */
export function continuing({ dataDirectory, accessKeyId, secretAccessKey }: RunningServer) {
  return { dataDirectory, credentials: { accessKeyId, secretAccessKey } }
}

export interface TestRepository {
  readonly name: string
  /** Path and query of an object's upload. */
  objects(path: string): string
}

export async function createRepository(
  target: Target,
  storageId: string,
  namespaceRoot: string,
): Promise<TestRepository> {
  const name = uniqueName('fault')
  const made = await call(target, 'POST', '/repositories', {
    json: { name, storage_id: storageId, storage_namespace: `${namespaceRoot}/${name}` },
  })
  expect(made.status, made.bytes.toString()).toBe(201)
  return {
    name,
    objects: (path) => `/repositories/${name}/branches/main/objects?path=${encodeURIComponent(path)}`,
  }
}

export function upload(target: Target, repository: TestRepository, path: string, body: Uint8Array): Promise<Answer> {
  return call(target, 'POST', repository.objects(path), {
    body,
    headers: { 'content-type': 'application/octet-stream' },
  })
}

/** No entry at `path`, neither by name nor in the listing. */
export async function expectAbsent(target: Target, { name }: TestRepository, path: string): Promise<void> {
  const stat = await call(
    target,
    'GET',
    `/repositories/${name}/refs/main/objects/stat?path=${encodeURIComponent(path)}`,
  )
  expect(stat.status, stat.bytes.toString()).toBe(404)
  const list = await call(
    target,
    'GET',
    `/repositories/${name}/refs/main/objects/ls?prefix=${encodeURIComponent(path)}`,
  )
  expect(list.json.results).toEqual([])
}

/** The object is there with its checksum and bytes. */
export async function expectWhole(
  target: Target,
  { name }: TestRepository,
  path: string,
  body: Uint8Array,
): Promise<void> {
  const query = `path=${encodeURIComponent(path)}`
  const stat = await call(target, 'GET', `/repositories/${name}/refs/main/objects/stat?${query}`)
  expect(stat.json?.checksum).toBe(createHash('md5').update(body).digest('hex'))
  const got = await call(target, 'GET', `/repositories/${name}/refs/main/objects?${query}`)
  expect(got.bytes.equals(body)).toBe(true)
}

/** The branch takes, gives and commits objects as if nothing had happened. */
export async function expectUsable(target: Target, repository: TestRepository): Promise<void> {
  const path = uniqueName('afterwards')
  const body = randomBytes(1500)
  const put = await upload(target, repository, path, body)
  expect(put.status, put.bytes.toString()).toBe(201)
  await expectWhole(target, repository, path, body)
  const commit = await call(target, 'POST', `/repositories/${repository.name}/branches/main/commits`, {
    json: { message: 'usable' },
  })
  expect(commit.status, commit.bytes.toString()).toBe(201)
}

/** A refusal that says what is wrong and, where it is worth it, to try again. */
export function expectRefusal(
  answer: Pick<Answer, 'status' | 'headers' | 'json'>,
  status: number,
  message: RegExp,
): void {
  expect({ status: answer.status, message: answer.json?.message }).toEqual({
    status,
    message: expect.stringMatching(message),
  })
  expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
}
