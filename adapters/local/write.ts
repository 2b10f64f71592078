/**
 * Writing files. A name made up for one put is written in place (create exclusively, write, sync); anything else goes under a
 * temporary name beside its place and is renamed (replace) or linked (put if absent) when it is whole. Names and bytes are synced
 * before a put answers, unless the storage is configured not to.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, copyFile, linkSync, openSync, renameSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Location, PutBody, PutOptions } from '../../src/block/adapter.ts'
import { BUFFERED_LIMIT_BYTES, isWhole, readBody, type StreamBody } from '../../src/block/body.ts'
import { DomainError } from '../../src/errors.ts'
import { diskError, errnoOf } from './errors.ts'
import { syncFile, unlinkQuietly, writeFully } from './files.ts'
import type { Folders } from './folders.ts'

const copyFileAsync = promisify(copyFile)

/** Names of files that are not whole yet; listings leave them out. */
export const TEMPORARY_NAME = /^\.interlaken-[0-9a-f]{24}\.tmp$/

/** Whole bodies up to this many bytes are written by one blocking call: it is cheaper than handing them to another thread. */
const BLOCKING_WRITE_BYTES = 128 * 1024

/** Writes one object. */
export interface Writer {
  put(location: Location, body: PutBody, options: PutOptions): Promise<void>
  /** Copies a file over another. @throws storage_not_found */
  copy(from: Location, to: Location): Promise<void>
  /** Puts what `write` writes into an open temporary file at `location`, replacing what is there. */
  replace(location: Location, write: (fd: number) => Promise<void>, options?: PutOptions): Promise<void>
}

/** `durable` false: answers without waiting for the disk. */
export function createWriter(folders: Folders, durable: boolean): Writer {
  async function openNew(path: string, folder: string): Promise<number> {
    if (!folders.isReady(folder)) await folders.ensure(folder)
    try {
      return openSync(path, 'wx')
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      folders.forget(folder)
      await folders.ensure(folder)
      return openSync(path, 'wx')
    }
  }

  async function putInPlace(location: Location, body: PutBody, signal: AbortSignal | undefined): Promise<void> {
    const path = location.key
    const folder = folderOf(location)
    const fd = await openNew(path, folder)
    try {
      const written = writeBody(fd, body, signal)
      if (written !== null) await written
      if (durable) await Promise.all([syncFile(fd), folders.sync(folder)])
    } catch (error) {
      unlinkQuietly(path)
      throw error
    } finally {
      closeSync(fd)
    }
  }

  async function putAside(
    location: Location,
    write: (fd: number, path: string) => Promise<void> | null,
    options: PutOptions,
  ): Promise<void> {
    const folder = folderOf(location)
    const temporary = `${folder}/.interlaken-${randomBytes(12).toString('hex')}.tmp`
    const fd = await openNew(temporary, folder)
    try {
      try {
        const written = write(fd, temporary)
        if (written !== null) await written
        if (durable) await syncFile(fd)
      } finally {
        closeSync(fd)
      }
      if (options.ifAbsent === true) {
        linkSync(temporary, location.key)
        unlinkQuietly(temporary)
      } else renameSync(temporary, location.key)
    } catch (error) {
      unlinkQuietly(temporary)
      throw error
    }
    await folders.sync(folder)
  }

  return {
    async put(location, body, options) {
      try {
        if (options.unique === true) await putInPlace(location, body, options.signal)
        else await putAside(location, (fd) => writeBody(fd, body, options.signal), options)
      } catch (error) {
        if (options.unique === true && IN_THE_WAY.has(errnoOf(error))) throw brokenError(location, error)
        throw diskError('write', location, error)
      }
    },
    async copy(from, to) {
      try {
        await putAside(to, (_, path) => copyFileAsync(from.key, path, constants.COPYFILE_FICLONE), {})
      } catch (error) {
        throw diskError('copy', from, error)
      }
    },
    async replace(location, write, options = {}) {
      try {
        await putAside(location, write, options)
      } catch (error) {
        throw diskError('write', location, error)
      }
    },
  }
}

/** No caller chose a name that was made up for one put: when it is taken or lies under a file, the storage is not what it was. */
const IN_THE_WAY = new Set(['EEXIST', 'ENOTDIR'])

function brokenError({ uri }: Location, cause: unknown): DomainError {
  return new DomainError('storage_unavailable', `cannot write "${uri}": a file is in the place of a folder`, { cause })
}

function folderOf({ key, uri }: Location): string {
  const slash = key.lastIndexOf('/')
  if (slash === key.length - 1) {
    throw new DomainError('address_invalid', `cannot write "${uri}": the name of an object cannot end in a slash`)
  }
  return key.slice(0, slash)
}

/** Writes a body; null when it is already written. */
function writeBody(fd: number, body: PutBody, signal: AbortSignal | undefined): Promise<void> | null {
  if (!isWhole(body)) return writeStream(fd, body, signal)
  if (body.length > BLOCKING_WRITE_BYTES) return writeFully(fd, body)
  for (let at = 0; at < body.length; ) at += writeSync(fd, body, at, body.length - at)
  return null
}

/** One write in flight while the next chunk is read; small chunks are not gathered, copying costs more than it saves. */
async function writeStream(fd: number, body: StreamBody, signal: AbortSignal | undefined): Promise<void> {
  const reader = readBody(body)
  const stop = () => void reader.cancel(signal?.reason)
  signal?.addEventListener('abort', stop)
  let writing: Promise<void> = Promise.resolve()
  try {
    for (;;) {
      const chunk = await reader.next()
      await writing
      signal?.throwIfAborted()
      if (chunk === null) return
      writing = writeFully(fd, chunk)
      // A failure is seen by the await above; this only keeps it from counting as unhandled until then.
      writing.catch(() => undefined)
    }
  } catch (error) {
    await writing.catch(() => undefined)
    await reader.cancel(error)
    throw signal?.aborted === true ? aborted(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function aborted(signal: AbortSignal): DomainError {
  return new DomainError('body_incomplete', 'cannot store the body: the request was given up', { cause: signal.reason })
}

/** How much of a file is moved at a time when files are joined. */
export const JOIN_CHUNK_BYTES = BUFFERED_LIMIT_BYTES
