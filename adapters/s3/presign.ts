/** URLs by which clients talk to the storage itself. */
import { AwsV4Signer } from 'aws4fetch'
import type { Location, PresignedUrl } from '../../src/block/adapter.ts'
import type { S3Settings } from '../../src/block/definition.ts'
import type { S3Client } from './client.ts'
import { bucketUrl, objectUrl, type Query, queryText } from './endpoint.ts'

/** S3's bound. */
const MAX_EXPIRES_SECONDS = 604_800

/** Presigns one request. It lives as long as configured, or as the credentials do when that is shorter. */
export async function presignObject(
  client: S3Client,
  settings: S3Settings,
  method: 'GET' | 'PUT',
  location: Location,
  query: Query,
): Promise<PresignedUrl> {
  const region = await client.regionOf(location.container)
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtSeconds } = await client.credentials()
  const nowSeconds = Math.floor(Date.now() / 1000)
  const wanted = Math.min(Math.floor(settings.preSignedExpiryMs / 1000), MAX_EXPIRES_SECONDS)
  const life = expiresAtSeconds === null ? wanted : Math.max(1, Math.min(wanted, expiresAtSeconds - nowSeconds))
  const endpoint = settings.preSignedEndpoint ?? settings.endpoint
  const base = bucketUrl({ endpoint, forcePathStyle: settings.forcePathStyle }, region, location.container)
  const signer = new AwsV4Signer({
    method,
    url: `${objectUrl(base, location)}${queryText([...query, ['X-Amz-Expires', String(life)]])}`,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    service: 's3',
    region,
    signQuery: true,
  })
  const { url } = await signer.sign()
  return { url: url.href, expiresAtSeconds: nowSeconds + life }
}

/** Makes browsers save the answer under `name` (RFC 6266, RFC 8187). */
export function downloadQuery(name: string | undefined): Query {
  if (name === undefined) return []
  const plain = name.replace(/[^\x20-\x7e]|["\\]/g, '_')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return [['response-content-disposition', `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`]]
}
