/** What is there while the fuzzer runs: repositories that it may spoil, and one that nothing of it may touch. */
import { expect } from 'vitest'
import { basic, call, type Target } from '../support/http.ts'

export interface World {
  readonly authorization: string
  readonly session: string
  /** Good values of text fields and parameters, by name. */
  readonly texts: Readonly<Record<string, readonly string[]>>
  /** Values of operations that destroy, so that they take nothing that others need. */
  readonly doomed: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
  /** Makes good again what fuzzing may well have done: rules, branches. */
  mend(): Promise<void>
  /** Fails unless the untouched repository is as it was. */
  checkSentinel(): Promise<void>
}

const REPOSITORIES = ['fuzz-disk', 'fuzz-memory']
const SENTINEL = 'sentinel'
const DOOMED = ['doomed-1', 'doomed-2']
const PATHS = ['a/one.csv', 'a/two words.csv', 'b/Zürich', 'top']

/** Makes the world on a new server with the storages `disk` and `memory`. */
export async function createWorld(target: Target): Promise<World> {
  async function must(method: string, path: string, options: Parameters<typeof call>[3] = {}) {
    const answer = await call(target, method, path, options)
    expect(answer.status, `${method} ${path}: ${answer.bytes}`).toBeLessThan(300)
    return answer
  }
  const create = (name: string, storage: string) =>
    must('POST', '/repositories', {
      json: { name, storage_id: storage, storage_namespace: `${storage === 'disk' ? 'local' : 'mem'}://world/${name}` },
    })
  const upload = (repository: string, path: string) =>
    must('POST', `/repositories/${repository}/branches/main/objects?path=${encodeURIComponent(path)}`, {
      body: `content of ${path}`,
    })

  await create(REPOSITORIES[0] ?? '', 'disk')
  await create(REPOSITORIES[1] ?? '', 'memory')
  await create(SENTINEL, 'disk')
  const facts: Record<'commit' | 'metaRange' | 'address', string[]> = { commit: [], metaRange: [], address: [] }
  for (const repository of [...REPOSITORIES, SENTINEL]) {
    for (const path of PATHS) {
      const { physical_address } = (await upload(repository, path)).json
      if (repository !== SENTINEL) facts.address.push(physical_address)
    }
    const made = await must('POST', `/repositories/${repository}/branches/main/commits`, {
      json: { message: 'the world', metadata: { who: 'fuzz' } },
    })
    facts.commit.push(made.json.id)
    facts.metaRange.push(made.json.meta_range_id)
    await must('POST', `/repositories/${repository}/tags`, { json: { id: 'v1', ref: 'main' } })
    await must('POST', `/repositories/${repository}/branches`, { json: { name: 'work', source: 'main' } })
  }
  await upload(SENTINEL, 'staged')
  const login = await must('POST', '/auth/login', {
    signed: false,
    json: { access_key_id: target.accessKeyId, secret_access_key: target.secretAccessKey },
  })
  const userId = (await must('GET', '/user')).json.user.id

  const refs = ['main', 'work', 'v1', 'main~0', 'main@', 'main$', facts.commit[0] ?? '']
  const texts: World['texts'] = {
    repository: REPOSITORIES,
    branch: ['main', 'work'],
    destinationBranch: ['work'],
    ...Object.fromEntries(['ref', 'sourceRef', 'leftRef', 'rightRef', 'source', 'src_ref'].map((name) => [name, refs])),
    commitId: facts.commit.slice(0, 1),
    tag: ['v1'],
    path: PATHS,
    src_path: PATHS,
    dest_path: ['copied/1', 'copied/2'],
    paths: ['gone/1', 'gone/2'],
    prefix: ['', 'a/', 'copied/'],
    after: ['', 'a/one.csv'],
    delimiter: ['', '/'],
    physical_address: facts.address,
    meta_range: facts.metaRange,
    object_id: facts.metaRange,
    type: ['meta_range'],
    userId: [userId],
    accessKeyId: [target.accessKeyId],
    access_key_id: [target.accessKeyId],
    secret_access_key: [target.secretAccessKey],
    storage_id: ['disk', 'memory', ''],
    storage_namespace: ['local://made/x', 'mem://made/y'],
    name: ['made-one', 'made-two'],
    id: ['made-tag'],
    email: ['somebody@example.com'],
    pattern: ['protected-*', 'release'],
    partNumber: ['1'],
    storageClass: ['STANDARD'],
  }
  const fingerprint = async () => {
    const R = `/repositories/${SENTINEL}`
    const reads = ['', '/branches', '/tags', '/refs/main/commits', '/refs/main/objects/ls', '/branches/main/diff']
    const seen: unknown[] = []
    for (const read of reads) seen.push((await must('GET', R + read)).json)
    for (const path of [...PATHS, 'staged'])
      seen.push((await must('GET', `${R}/refs/main/objects?path=${encodeURIComponent(path)}`)).bytes.toString())
    return seen
  }
  const before = await fingerprint()
  return {
    authorization: basic(target),
    session: login.json.token,
    texts,
    doomed: {
      deleteRepository: { repository: DOOMED },
      deleteBranch: { branch: ['made-one', 'made-two'] },
      deleteTag: { tag: ['made-tag'] },
      deleteObject: { path: ['copied/1', 'gone/1'] },
      deleteCredentials: { accessKeyId: ['AKIAJNOSUCHKEYATALLQ'] },
    },
    async mend() {
      for (const repository of REPOSITORIES)
        await must('PUT', `/repositories/${repository}/settings/branch_protection`, { json: [] })
    },
    async checkSentinel() {
      expect(await fingerprint()).toEqual(before)
    },
  }
}
