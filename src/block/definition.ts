/**
 * What a configured storage is: the validated form of lakeFS's `blockstore` / `blockstores.stores[]` sections, with names in
 * camelCase, durations in milliseconds and `null` where a key without a default was not given. The configuration room parses into
 * these; adapters are built from them.
 */
import type { StorageId } from '../model.ts'
import type { StorageType } from './adapter.ts'

/** `blockstore.local`. */
export interface LocalSettings {
  /** Root folder, absolute and already expanded (`~`). Default `~/lakefs/data/block`. */
  readonly path: string
  /** Objects may be imported from disk. Default false. */
  readonly importEnabled: boolean
  /** Imports see dot files too. Default false. */
  readonly importHidden: boolean
  /** Absolute folders outside `path` that full addresses may point into. Default none. */
  readonly allowedExternalPrefixes: readonly string[]
  /** Ours: a put answers only when its bytes survive power loss. Default true; false is what lakeFS does. */
  readonly fsync: boolean
}

/** Static credentials of an S3 store. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | null
}

/** `blockstore.s3`. */
export interface S3Settings {
  /** Default `us-east-1`. */
  readonly region: string
  /** Null: the default credential chain, for platforms that have one (`HttpPlatform.s3Credentials`); elsewhere the storage is down. */
  readonly credentials: S3Credentials | null
  /** Base URL of an S3-compatible store; null is AWS. */
  readonly endpoint: string | null
  /** Default false: `bucket.endpoint`. */
  readonly forcePathStyle: boolean
  /** Further attempts after the first one. Default 5. */
  readonly maxRetries: number
  /** Ask each bucket for its region. Default true. */
  readonly discoverBucketRegion: boolean
  readonly skipVerifyCertificateTestOnly: boolean
  /** `AES256`, `aws:kms`, … sent with every write. */
  readonly serverSideEncryption: string | null
  readonly serverSideEncryptionKmsKeyId: string | null
  /** Default 15 minutes. */
  readonly preSignedExpiryMs: number
  /** Public base URL that presigned URLs use in place of `endpoint`. */
  readonly preSignedEndpoint: string | null
  readonly disablePreSigned: boolean
  readonly disablePreSignedMultipart: boolean
}

/** `blockstore.azure`. */
export interface AzureSettings {
  readonly storageAccount: string | null
  readonly storageAccessKey: string | null
  /** Default 10 minutes. */
  readonly tryTimeoutMs: number
  /** Default 15 minutes. */
  readonly preSignedExpiryMs: number
  readonly disablePreSigned: boolean
  /** Default `blob.core.windows.net`. */
  readonly domain: string
  readonly testEndpointUrl: string | null
}

/** `blockstore.gs`. */
export interface GsSettings {
  /** Default `https://storage.googleapis.com`. */
  readonly s3Endpoint: string
  readonly credentialsFile: string | null
  readonly credentialsJson: string | null
  readonly dataCredentialsFile: string | null
  readonly dataCredentialsJson: string | null
  /** Default 15 minutes. */
  readonly preSignedExpiryMs: number
  readonly disablePreSigned: boolean
  /** Hex of 32 bytes; excludes `serverSideEncryptionKmsKeyId`. */
  readonly serverSideEncryptionCustomerSupplied: string | null
  readonly serverSideEncryptionKmsKeyId: string | null
}

/** Ours: a Cloudflare R2 bucket bound to a Worker. Clients see it as `s3://<bucket>/…`. */
export interface R2Settings {
  /** Name of the binding in the Worker's environment. */
  readonly binding: string
  /** Name that namespaces use for the bucket; one binding is one bucket. */
  readonly bucket: string
}

interface CommonDefinition {
  /** Unique, never changed; `""` for the single `blockstore`. */
  readonly id: StorageId
  /** Free text for people. */
  readonly description: string
  /** The one that serves repositories created without a storage id. At most one per configuration. */
  readonly backwardCompatible: boolean
  readonly defaultNamespacePrefix: string | null
}

/** One storage; the section has the name of the type. */
export type StorageDefinition = CommonDefinition &
  (
    | { readonly type: 'local'; readonly local: LocalSettings }
    | { readonly type: 's3'; readonly s3: S3Settings }
    | { readonly type: 'azure'; readonly azure: AzureSettings }
    | { readonly type: 'gs'; readonly gs: GsSettings }
    | { readonly type: 'r2'; readonly r2: R2Settings }
    | { readonly type: 'mem' }
  )

/** The definition of a storage of one type. */
export type DefinitionOf<Type extends StorageType> = Extract<StorageDefinition, { readonly type: Type }>

/** All storages of a server, in the order of the configuration file. */
export interface StoragesDefinition {
  /** `blockstore(s).signing.secret_key`: HMAC key of the upload addresses handed to clients. */
  readonly signingKey: string
  readonly stores: readonly StorageDefinition[]
}
