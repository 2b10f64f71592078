/** Storage definitions with lakeFS's defaults, for tests. */
import type { DefinitionOf, LocalSettings, S3Settings } from '../../src/block/definition.ts'
import type { StorageId } from '../../src/model.ts'
import { S3_TEST_KEYS } from './s3-server.ts'

const common = { description: '', backwardCompatible: false, defaultNamespacePrefix: null }

export function memDefinition(id = 'mem'): DefinitionOf<'mem'> {
  return { ...common, id: id as StorageId, type: 'mem' }
}

export function localDefinition(
  path: string,
  settings: Partial<LocalSettings> = {},
  id = 'local',
): DefinitionOf<'local'> {
  const defaults = { importEnabled: false, importHidden: false, allowedExternalPrefixes: [], fsync: true }
  return { ...common, id: id as StorageId, type: 'local', local: { path, ...defaults, ...settings } }
}

export function s3Definition(settings: Partial<S3Settings> = {}, id = 's3'): DefinitionOf<'s3'> {
  const defaults: S3Settings = {
    region: 'us-east-1',
    credentials: { ...S3_TEST_KEYS, sessionToken: null },
    endpoint: null,
    forcePathStyle: false,
    maxRetries: 5,
    discoverBucketRegion: true,
    skipVerifyCertificateTestOnly: false,
    serverSideEncryption: null,
    serverSideEncryptionKmsKeyId: null,
    preSignedExpiryMs: 15 * 60_000,
    preSignedEndpoint: null,
    disablePreSigned: false,
    disablePreSignedMultipart: false,
  }
  return { ...common, id: id as StorageId, type: 's3', s3: { ...defaults, ...settings } }
}

export function r2Definition(bucket: string, id = 'r2'): DefinitionOf<'r2'> {
  return { ...common, id: id as StorageId, type: 'r2', r2: { binding: 'BUCKET', bucket } }
}
