/**
 * The storage contract over a real S3 store. Needs `INTERLAKEN_TEST_S3_ENDPOINT`, `…_KEY` and `…_SECRET` and the right to make
 * buckets there; without them it fails, because a run that checks nothing must not look like one that passed.
 */
import { randomBytes } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
import { createS3Adapter } from '../../adapters/s3.ts'
import type { StorageNamespace } from '../../src/model.ts'
import { nodeHttp } from '../../src/runtime/http.ts'
import { describeAdapter, ODD_KEYS } from '../block/adapter-contract.ts'
import { s3Definition } from '../support/definitions.ts'

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} must be set`)
  return value
}

describeAdapter('s3, a real store', async () => {
  const endpoint = required('INTERLAKEN_TEST_S3_ENDPOINT')
  const accessKeyId = required('INTERLAKEN_TEST_S3_KEY')
  const secretAccessKey = required('INTERLAKEN_TEST_S3_SECRET')
  const bucket = `interlaken-${randomBytes(6).toString('hex')}`
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: 'us-east-1' })
  const made = await client.fetch(`${endpoint}/${bucket}`, { method: 'PUT' })
  if (!made.ok) throw new Error(`cannot make bucket ${bucket}: ${made.status} ${await made.text()}`)
  const credentials = { accessKeyId, secretAccessKey, sessionToken: null }
  const adapter = createS3Adapter(s3Definition({ endpoint, forcePathStyle: true, credentials }), nodeHttp)
  return {
    adapter,
    namespace: `s3://${bucket}/some/prefix` as StorageNamespace,
    // MinIO keeps objects as files: it takes a backslash for a slash and folds empty segments.
    oddKeys: ODD_KEYS.filter((key) => !key.includes('\\')),
    refusedKeys: ['a/../b', './a'],
    nests: false,
    minimumPartBytes: 5 * 1024 ** 2,
    multiPartStreamBytes: 9 * 1024 ** 2,
    fetch,
    async close() {
      const { objects } = await adapter.list(adapter.locateFull(`s3://${bucket}/`))
      await adapter.removeMany(objects.map(({ location }) => location))
      await client.fetch(`${endpoint}/${bucket}`, { method: 'DELETE' })
    },
  }
})
