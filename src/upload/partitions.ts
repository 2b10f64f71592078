/** Partitions of object addresses in use: the rows that garbage collection reads before it calls a young object an orphan. */
import type { Db, HotStatement } from '../db/db.ts'

const insert: HotStatement = {
  name: 'partition_insert',
  text: 'INSERT INTO upload_partitions (partition) VALUES ($1) ON CONFLICT DO NOTHING',
}

/** Remembers that objects of `partition` may be on their way. @throws database_unavailable */
export async function registerPartition(db: Db, partition: string): Promise<void> {
  await db.run(insert, [partition])
}
