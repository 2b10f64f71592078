import * as v from 'valibot'
import {
  bool,
  durationMs,
  httpUrl,
  integer,
  oneOf,
  optional,
  path,
  required,
  secret,
  section,
  text,
  textList,
} from './leaves.ts'

const transient = new Map([
  ['transient', ', which Interlaken does not have; write mem, which forgets everything when the server ends'],
])

const local = {
  path: v.optional(path(), '~/lakefs/data/block'),
  import_enabled: v.optional(bool(), 'false'),
  import_hidden: v.optional(bool(), 'false'),
  allowed_external_prefixes: v.optional(textList(), []),
  fsync: v.optional(bool(), 'true'),
}

const s3 = {
  region: v.optional(text(), 'us-east-1'),
  credentials: section({
    access_key_id: optional(secret()),
    secret_access_key: optional(secret()),
    session_token: optional(secret()),
  }),
  endpoint: optional(httpUrl()),
  force_path_style: v.optional(bool(), 'false'),
  max_retries: v.optional(integer(0, 1000), '5'),
  discover_bucket_region: v.optional(bool(), 'true'),
  skip_verify_certificate_test_only: v.optional(bool(), 'false'),
  server_side_encryption: optional(text()),
  server_side_encryption_kms_key_id: optional(text()),
  pre_signed_expiry: v.optional(durationMs(), '15m'),
  pre_signed_endpoint: optional(httpUrl()),
  disable_pre_signed: v.optional(bool(), 'false'),
  disable_pre_signed_multipart: v.optional(bool(), 'false'),
}

const azure = {
  storage_account: optional(text()),
  storage_access_key: optional(secret()),
  try_timeout: v.optional(durationMs(), '10m'),
  pre_signed_expiry: v.optional(durationMs(), '15m'),
  disable_pre_signed: v.optional(bool(), 'false'),
  domain: v.optional(text(), 'blob.core.windows.net'),
  test_endpoint_url: optional(httpUrl()),
}

const gs = {
  s3_endpoint: v.optional(httpUrl(), 'https://storage.googleapis.com'),
  credentials_file: optional(path()),
  credentials_json: optional(secret()),
  data_credentials_file: optional(path()),
  data_credentials_json: optional(secret()),
  pre_signed_expiry: v.optional(durationMs(), '15m'),
  disable_pre_signed: v.optional(bool(), 'false'),
  server_side_encryption_customer_supplied: optional(secret()),
  server_side_encryption_kms_key_id: optional(text()),
}

const r2 = {
  binding: required(text("give it the name of the bucket's binding in the Worker")),
  bucket: required(text('give it the name of the bucket')),
}

/** What a store of `blockstores.stores[]` and the single `blockstore` have in common. */
const storageEntries = {
  type: required(oneOf(['local', 's3', 'gs', 'azure', 'r2', 'mem'], transient)),
  default_namespace_prefix: optional(text()),
  local: section(local),
  s3: section(s3),
  azure: section(azure),
  gs: section(gs),
  r2: optional(v.object(r2)),
}

const store = v.object({
  id: required(text('give every storage an id that will never change')),
  description: optional(text()),
  backward_compatible: v.optional(bool(), 'false'),
  ...storageEntries,
})

const signing = section({ secret_key: optional(secret()) })

/** `blockstore`: one storage, without an id. */
export const blockstoreSchema = optional(v.object({ signing, ...storageEntries }))

/** `blockstores`: any number of storages, each with an id. */
export const blockstoresSchema = optional(v.object({ signing, stores: v.optional(v.array(store), []) }))

/** The part of a storage that both forms share, parsed. */
export type ParsedStorage = v.InferOutput<typeof store>
