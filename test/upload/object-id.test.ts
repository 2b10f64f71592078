import { describe, expect, it } from 'vitest'
import { AddressBook } from '../../src/upload/address-book.ts'
import { encodeBase32Hex, objectId, partitionId } from '../../src/upload/object-id.ts'

describe('object ids', () => {
  it('are written as lakeFS writes them', () => {
    expect(encodeBase32Hex(Buffer.from('6553f1000102030405060708', 'hex'))).toBe('cl9v2001081g81860s40')
    expect(encodeBase32Hex(Buffer.from('84fb12000102030405060708', 'hex'))).toBe('gjth4001081g81860s40')
  })

  it('carry their time in front, partitions counting down', () => {
    expect(objectId(1_700_000_000).slice(0, 6)).toBe('cl9v20')
    expect(partitionId(1_700_000_000).slice(0, 6)).toBe('gjth40')
    expect(partitionId(1_800_000_000) < partitionId(1_700_000_000)).toBe(true)
  })

  it('never repeat', () => {
    const ids = Array.from({ length: 20_000 }, () => objectId(1_700_000_000))
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the address book', () => {
  it('registers a partition before it gives an address in it, and stays in it', async () => {
    const registered = new Set<string>()
    const book = new AddressBook()
    const register = async (partition: string) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      registered.add(partition)
    }
    const addresses: string[] = []
    const ask = async () => {
      const address = await book.next(register)
      expect(registered.has(address.split('/')[1] ?? '')).toBe(true)
      addresses.push(address)
    }
    await Promise.all(Array.from({ length: 20 }, ask))
    const before = registered.size
    for (let at = 0; at < 50; at++) await ask()
    expect(registered.size).toBe(before)
    expect(new Set(addresses).size).toBe(70)
    for (const address of addresses) expect(address).toMatch(/^data\/[0-9a-v]{20}\/[0-9a-v]{20}$/)
  })

  it('gives nothing while the partition cannot be registered, and recovers', async () => {
    const book = new AddressBook()
    await expect(book.next(() => Promise.reject(new Error('database gone')))).rejects.toThrow('database gone')
    expect(await book.next(() => Promise.resolve())).toMatch(/^data\//)
  })
})
