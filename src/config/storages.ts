import type { S3Credentials, S3Settings, StorageDefinition } from '../block/definition.ts'
import type { StorageId } from '../model.ts'
import { expandPath, type PathContext } from './paths.ts'
import type { ParsedStorage } from './storage-schema.ts'

/** The storage that a parsed section describes; credential and folder paths are expanded. */
export function defineStorage(parsed: ParsedStorage, context: PathContext): StorageDefinition {
  const common = {
    id: parsed.id as StorageId,
    description: parsed.description ?? '',
    backwardCompatible: parsed.backward_compatible,
    defaultNamespacePrefix: parsed.default_namespace_prefix,
  }
  const file = (written: string | null): string | null => (written === null ? null : expandPath(written, context))
  switch (parsed.type) {
    case 'mem':
      return { ...common, type: 'mem' }
    case 'r2':
      return { ...common, type: 'r2', r2: parsed.r2 ?? { binding: '', bucket: '' } }
    case 's3':
      return { ...common, type: 's3', s3: s3Settings(parsed.s3) }
    case 'local':
      return {
        ...common,
        type: 'local',
        local: {
          path: expandPath(parsed.local.path, context),
          importEnabled: parsed.local.import_enabled,
          importHidden: parsed.local.import_hidden,
          allowedExternalPrefixes: parsed.local.allowed_external_prefixes.map((prefix) => expandPath(prefix, context)),
          fsync: parsed.local.fsync,
        },
      }
    case 'azure':
      return {
        ...common,
        type: 'azure',
        azure: {
          storageAccount: parsed.azure.storage_account,
          storageAccessKey: parsed.azure.storage_access_key,
          tryTimeoutMs: parsed.azure.try_timeout,
          preSignedExpiryMs: parsed.azure.pre_signed_expiry,
          disablePreSigned: parsed.azure.disable_pre_signed,
          domain: parsed.azure.domain,
          testEndpointUrl: parsed.azure.test_endpoint_url,
        },
      }
    case 'gs':
      return {
        ...common,
        type: 'gs',
        gs: {
          s3Endpoint: parsed.gs.s3_endpoint,
          credentialsFile: file(parsed.gs.credentials_file),
          credentialsJson: parsed.gs.credentials_json,
          dataCredentialsFile: file(parsed.gs.data_credentials_file),
          dataCredentialsJson: parsed.gs.data_credentials_json,
          preSignedExpiryMs: parsed.gs.pre_signed_expiry,
          disablePreSigned: parsed.gs.disable_pre_signed,
          serverSideEncryptionCustomerSupplied: parsed.gs.server_side_encryption_customer_supplied,
          serverSideEncryptionKmsKeyId: parsed.gs.server_side_encryption_kms_key_id,
        },
      }
  }
}

function s3Settings(s3: ParsedStorage['s3']): S3Settings {
  return {
    region: s3.region,
    credentials: s3Credentials(s3.credentials),
    endpoint: s3.endpoint,
    forcePathStyle: s3.force_path_style,
    maxRetries: s3.max_retries,
    discoverBucketRegion: s3.discover_bucket_region,
    skipVerifyCertificateTestOnly: s3.skip_verify_certificate_test_only,
    serverSideEncryption: s3.server_side_encryption,
    serverSideEncryptionKmsKeyId: s3.server_side_encryption_kms_key_id,
    preSignedExpiryMs: s3.pre_signed_expiry,
    preSignedEndpoint: s3.pre_signed_endpoint,
    disablePreSigned: s3.disable_pre_signed,
    disablePreSignedMultipart: s3.disable_pre_signed_multipart,
  }
}

function s3Credentials(given: ParsedStorage['s3']['credentials']): S3Credentials | null {
  const { access_key_id, secret_access_key, session_token } = given
  if (access_key_id === null || secret_access_key === null) return null
  return { accessKeyId: access_key_id, secretAccessKey: secret_access_key, sessionToken: session_token }
}
