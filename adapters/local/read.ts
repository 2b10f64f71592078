/**
 * Reading files. Up to 64 KiB by blocking calls into one scratch buffer (open, read, close: on a page-cached file 6 us against 17
 * to 30 through the thread pool), up to 1 MiB whole through the thread pool, more as the platform's own kind of body.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import type { ByteRange, GetResult, Location, ObjectProperties } from '../../src/block/adapter.ts'
import { BUFFERED_LIMIT_BYTES } from '../../src/block/body.ts'
import type { LocalPlatform } from '../../src/block/platform.ts'
import { clampRange, notFound } from '../../src/block/ranges.ts'
import { DomainError } from '../../src/errors.ts'
import { readError } from './errors.ts'
import { readFully } from './files.ts'

const BLOCKING_READ_BYTES = 64 * 1024
const scratch = Buffer.allocUnsafeSlow(BLOCKING_READ_BYTES)

/** Not blocking, so that opening a pipe that somebody put into an import folder cannot hang the server. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/** Reads a file or a part of it. */
export async function readFile(
  platform: LocalPlatform,
  location: Location,
  range: ByteRange | undefined,
): Promise<GetResult> {
  let fd = -1
  try {
    fd = openSync(location.key, READ)
    if (range === undefined) {
      const count = readSync(fd, scratch, 0, BLOCKING_READ_BYTES, 0)
      if (count < BLOCKING_READ_BYTES && count > 0) {
        return { body: Buffer.from(scratch.subarray(0, count)), sizeBytes: count, totalBytes: count }
      }
    }
    const totalBytes = regular(fstatSync(fd), location).size
    const { start, end } = range === undefined ? { start: 0, end: totalBytes } : clampRange(range, totalBytes, location)
    const sizeBytes = end - start
    if (sizeBytes > BUFFERED_LIMIT_BYTES) {
      const body = platform.fileBody(fd, location.key, start, end)
      fd = -1
      return { body, sizeBytes, totalBytes }
    }
    return { body: await readBytes(fd, start, sizeBytes, location), sizeBytes, totalBytes }
  } catch (error) {
    throw readError('read', location, error)
  } finally {
    if (fd !== -1) closeSync(fd)
  }
}

/** Reads the last bytes of a file. */
export async function readTail(location: Location, bytes: number): Promise<{ bytes: Uint8Array; totalBytes: number }> {
  let fd = -1
  try {
    fd = openSync(location.key, READ)
    const totalBytes = regular(fstatSync(fd), location).size
    const sizeBytes = Math.min(bytes, totalBytes)
    return { bytes: await readBytes(fd, totalBytes - sizeBytes, sizeBytes, location), totalBytes }
  } catch (error) {
    throw readError('read', location, error)
  } finally {
    if (fd !== -1) closeSync(fd)
  }
}

/** What the file system knows about an object. */
export function fileProperties(location: Location): ObjectProperties {
  try {
    const stats = regular(statSync(location.key), location)
    return {
      sizeBytes: stats.size,
      lastModifiedSeconds: Math.floor(stats.mtimeMs / 1000),
      eTag: fileETag(stats),
      storageClass: null,
    }
  } catch (error) {
    throw readError('read', location, error)
  }
}

/** ETag of a file: hex of its size and of its modification time in microseconds. An MD5 would mean reading it. */
export function fileETag({ size, mtimeMs }: Stats): string {
  return `${size.toString(16)}-${Math.floor(mtimeMs * 1000).toString(16)}`
}

async function readBytes(fd: number, start: number, sizeBytes: number, location: Location): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  const count =
    sizeBytes <= BLOCKING_READ_BYTES
      ? sizeBytes === 0
        ? 0
        : readSync(fd, bytes, 0, sizeBytes, start)
      : await readFully(fd, bytes, start)
  if (count === sizeBytes) return bytes
  throw new DomainError('storage_unavailable', `cannot read "${location.uri}": the file shrank meanwhile`)
}

function regular(stats: Stats, location: Location): Stats {
  if (!stats.isFile()) throw notFound('read', location)
  return stats
}
