/**
 * What an id of a storage must keep meaning. The database remembers the fingerprint of each storage id; one that suddenly names
 * another place is refused. Credentials, regions and switches may change, so they are not part of it.
 */
import { createHash } from 'node:crypto'
import type { StorageDefinition } from './definition.ts'

/**
 * The place that a definition names, as one line of text: type, then endpoint, account or path. Local disks refine the path to the
 * real one when the storage is opened (`BlockAdapter.place`).
 */
export function placeOf(definition: StorageDefinition): string {
  switch (definition.type) {
    case 's3':
      return `s3:${definition.s3.endpoint === null ? 'aws' : canonicalEndpoint(definition.s3.endpoint)}`
    case 'gs':
      return 'gs:storage.googleapis.com'
    case 'azure':
      return `azure:${definition.azure.testEndpointUrl === null ? definition.azure.domain : canonicalEndpoint(definition.azure.testEndpointUrl)}/${definition.azure.storageAccount ?? ''}`
    case 'r2':
      return `r2:${definition.r2.bucket}`
    case 'local':
      return `local:${definition.local.path}`
    case 'mem':
      return `mem:${definition.id}`
  }
}

/** Host in lower case, the port unless it is the scheme's own, the path without trailing slashes. The scheme is left out: http and https reach one store. */
export function canonicalEndpoint(endpoint: string): string {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`
  if (!URL.canParse(text)) return endpoint
  const url = new URL(text)
  return `${url.host}${url.pathname.replace(/\/+$/, '')}`
}

/** Hex SHA-256 of a place: what the database keeps. */
export function fingerprint(place: string): string {
  return createHash('sha256').update(place).digest('hex')
}
