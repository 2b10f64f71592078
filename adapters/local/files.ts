/** The few system calls that are asynchronous, as promises over descriptors: no FileHandle, which a collector could close. */
import { closeSync, fsync, openSync, read, unlinkSync, write } from 'node:fs'

/** Reads until `buffer` is full or the file ends; answers the bytes read. */
export async function readFully(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < buffer.length) {
    const count = await new Promise<number>((resolve, reject) => {
      read(fd, buffer, done, buffer.length - done, position + done, (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      )
    })
    if (count === 0) break
    done += count
  }
  return done
}

/** Appends all of `bytes` at the descriptor's position. */
export function writeFully(fd: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (from: number): void =>
      write(fd, bytes, from, bytes.length - from, null, (error, count) => {
        if (error !== null) reject(error)
        else if (from + count < bytes.length) step(from + count)
        else resolve()
      })
    if (bytes.length === 0) resolve()
    else step(0)
  })
}

/** Answers when the file's bytes would survive a power loss. */
export function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error === null ? resolve() : reject(error))))
}

/** Opens by path, syncs and closes: for folders. File systems that cannot sync a folder (EINVAL) need not. */
export async function syncFolder(path: string): Promise<void> {
  const fd = openSync(path, 'r')
  try {
    await syncFile(fd)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL')) throw error
  } finally {
    closeSync(fd)
  }
}

/** Removes a file that may be gone. */
export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was never made, or somebody else removed it: either way it is not there.
  }
}
