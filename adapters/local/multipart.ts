/**
 * Multipart uploads on disk: `<root>/_multipart/<upload id>/<part number, 5 digits>-<ETag>`. An ETag is made up per attempt, so a
 * part that is sent again never mixes with the first, and completing joins exactly the attempts that the client names.
 *
 * Upload id: 32 hex characters, the last 16 a hash of the object's place, so that an id cannot be used for another object.
 */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import type { Location, PutBody, UploadedPart } from '../../src/block/adapter.ts'
import { assemble, checkPartNumber } from '../../src/block/multipart.ts'
import { notFound } from '../../src/block/ranges.ts'
import { diskError, errnoOf } from './errors.ts'
import { readFully, unlinkQuietly, writeFully } from './files.ts'
import type { Folders } from './folders.ts'
import { MULTIPART_FOLDER } from './paths.ts'
import { JOIN_CHUNK_BYTES, type Writer } from './write.ts'

interface StoredPart extends UploadedPart {
  readonly sizeBytes: number
  readonly path: string
}

/** The multipart half of an adapter. */
export interface LocalMultipart {
  create(location: Location): Promise<string>
  putPart(location: Location, uploadId: string, partNumber: number, body: PutBody): Promise<{ eTag: string }>
  listParts(location: Location, uploadId: string): Promise<readonly StoredPart[]>
  complete(location: Location, uploadId: string, parts: readonly UploadedPart[]): Promise<{ sizeBytes: number }>
  abort(location: Location, uploadId: string): Promise<void>
}

/** Keeps parts under `root`. */
export function createLocalMultipart(root: string, folders: Folders, writer: Writer): LocalMultipart {
  function folderOf(location: Location, uploadId: string): string {
    if (!/^[0-9a-f]{32}$/.test(uploadId) || uploadId.slice(16) !== hashOf(location)) {
      throw notFound('continue the upload of', location)
    }
    return `${root}/${MULTIPART_FOLDER}/${uploadId}`
  }

  function readParts(location: Location, uploadId: string): StoredPart[] {
    const folder = folderOf(location, uploadId)
    try {
      return readdirSync(folder)
        .sort()
        .flatMap((name) => {
          const match = /^(\d{5})-([0-9a-f]{32})$/.exec(name)
          if (match === null) return []
          const [, digits = '', eTag = ''] = match
          const path = `${folder}/${name}`
          return [{ partNumber: Number(digits), eTag, path, sizeBytes: statSync(path).size }]
        })
    } catch (error) {
      throw diskError('continue the upload of', location, error)
    }
  }

  return {
    async create(location) {
      const uploadId = randomBytes(8).toString('hex') + hashOf(location)
      try {
        await folders.ensure(folderOf(location, uploadId))
      } catch (error) {
        throw diskError('begin an upload of', location, error)
      }
      return uploadId
    },
    async putPart(location, uploadId, partNumber, body) {
      checkPartNumber(partNumber, location)
      const replaced = readParts(location, uploadId).filter((part) => part.partNumber === partNumber)
      const eTag = randomBytes(16).toString('hex')
      const name = `${String(partNumber).padStart(5, '0')}-${eTag}`
      const key = `${folderOf(location, uploadId)}/${name}`
      await writer.put({ container: root, key, uri: location.uri }, body, {})
      for (const { path } of replaced) unlinkQuietly(path)
      return { eTag }
    },
    listParts: async (location, uploadId) => readParts(location, uploadId),
    async complete(location, uploadId, parts) {
      const stored = new Map(readParts(location, uploadId).map((part) => [`${part.partNumber}-${part.eTag}`, part]))
      const named = new Map(
        parts.flatMap(({ partNumber, eTag }) => {
          const part = stored.get(`${partNumber}-${eTag}`)
          return part === undefined ? [] : [[partNumber, part] as const]
        }),
      )
      const chosen = assemble(named, parts, location)
      await writer.replace(location, (fd) => join(fd, chosen))
      removeFolder(folderOf(location, uploadId))
      return { sizeBytes: chosen.reduce((sum, part) => sum + part.sizeBytes, 0) }
    },
    async abort(location, uploadId) {
      readParts(location, uploadId)
      removeFolder(folderOf(location, uploadId))
    },
  }

  function removeFolder(folder: string): void {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      // A part that arrives meanwhile keeps the folder: garbage, as an upload that nobody finishes is.
      if (errnoOf(error) !== 'ENOTEMPTY') throw error
    }
    folders.forget(folder)
  }
}

async function join(fd: number, parts: readonly StoredPart[]): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(JOIN_CHUNK_BYTES)
  for (const { path } of parts) {
    const from = openSync(path, 'r')
    try {
      for (let position = 0; ; ) {
        const count = await readFully(from, buffer, position)
        if (count === 0) break
        await writeFully(fd, buffer.subarray(0, count))
        position += count
      }
    } finally {
      closeSync(from)
    }
  }
}

function hashOf({ key }: Location): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}
