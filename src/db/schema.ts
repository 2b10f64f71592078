/**
 * The tables. Everything that moves lives here; what a commit froze lives in the storages as ranges and metaranges.
 *
 * Text that is compared or ordered is `COLLATE "C"`; object paths are `bytea`. Statements on hot paths are raw SQL beside their
 * callers; this file is what migrations are made from (`npx drizzle-kit generate`, then `node scripts/embed-migrations.mjs`).
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import { bytea, bytewiseText } from './columns.ts'

const int8 = (name: string) => bigint(name, { mode: 'number' })
const instant = (name: string) => timestamp(name, { withTimezone: true })

/** One row: who this installation is, and the versions that every hot read returns so that caches notice changes. */
export const installation = pgTable(
  'installation',
  {
    /** Always true: makes a second row impossible. Its lock is what creating repositories takes. */
    singleton: boolean('singleton').primaryKey().default(true),
    id: uuid('id').notNull().defaultRandom(),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** Null until the first administrator exists. */
    setupAt: instant('setup_at'),
    /** What the setup form asked about e-mails; null until answered. */
    commPrefs: jsonb('comm_prefs'),
    /** A constant, sealed as access keys' secrets are by the first server that started; null before. Who cannot open it may not serve. */
    secretCheck: bytea('secret_check'),
    /** Raised by every change of users, credentials or policies. */
    authVersion: int8('auth_version').notNull().default(1),
    /** Raised by every change of the storages. */
    storageVersion: int8('storage_version').notNull().default(1),
  },
  (table) => [check('installation_singleton', sql`${table.singleton}`)],
)

/** What each storage id was when it was first seen: an id that later points elsewhere is refused. */
export const storages = pgTable('storages', {
  /** `""` is the single `blockstore` of a lakeFS configuration. */
  id: bytewiseText('id').primaryKey(),
  type: text('type').notNull(),
  fingerprint: text('fingerprint').notNull(),
  /** The place in words, without credentials, for messages. */
  place: text('place').notNull(),
  firstSeen: instant('first_seen').notNull().defaultNow(),
})

export const repositories = pgTable('repositories', {
  uid: uuid('uid').primaryKey(),
  name: bytewiseText('name').notNull().unique(),
  storageId: bytewiseText('storage_id').notNull(),
  homeStorageId: bytewiseText('home_storage_id').notNull(),
  namespace: text('namespace').notNull(),
  /** Endpoint, container, prefix segments: two repositories overlap when one's list starts with the other's. */
  canonicalNamespace: text('canonical_namespace').array().notNull(),
  defaultBranch: text('default_branch').notNull(),
  createdAtSeconds: int8('created_at_seconds').notNull(),
  readOnly: boolean('read_only').notNull().default(false),
  metadata: jsonb('metadata').$type<Record<string, string>>().notNull().default({}),
  /** Patterns of branch names that only merges may change. In the row, so that every look at a repository has them. */
  protectedBranches: jsonb('protected_branches').$type<string[]>().notNull().default([]),
})

/** Branches and tags: one table, so that their names exclude each other atomically. */
export const refs = pgTable(
  'refs',
  {
    repoUid: uuid('repo_uid')
      .notNull()
      .references(() => repositories.uid, { onDelete: 'cascade' }),
    name: bytewiseText('name').notNull(),
    /** `b` or `t`. */
    kind: text('kind').notNull(),
    commitId: bytewiseText('commit_id').notNull(),
    /** Where writes go now; null for tags. */
    token: uuid('token'),
    /** Tokens being committed, newest first. Immutable rows: only a reset edits them. */
    sealed: uuid('sealed').array().notNull().default(sql`'{}'`),
    /** A compacted tree (head + staged changes) that stands in for the head's until the head moves. */
    baseMetarange: text('base_metarange'),
    /** Moves with every change of the row; starts at random, so that a recreated branch repeats none. */
    epoch: int8('epoch').notNull().default(sql`floor(random() * 4503599627370496)::int8`),
    resetSeq: int8('reset_seq').notNull().default(0),
    hidden: boolean('hidden').notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.repoUid, table.name] }),
    check('refs_kind', sql`${table.kind} in ('b', 't')`),
  ],
)

export const commits = pgTable(
  'commits',
  {
    repoUid: uuid('repo_uid')
      .notNull()
      .references(() => repositories.uid, { onDelete: 'cascade' }),
    id: bytewiseText('id').notNull(),
    committer: text('committer').notNull(),
    message: text('message').notNull(),
    creationSeconds: int8('creation_seconds').notNull(),
    creationNanos: integer('creation_nanos').notNull(),
    metarangeId: text('metarange_id').notNull(),
    metadata: jsonb('metadata').$type<Record<string, string>>().notNull(),
    parents: text('parents').array().notNull(),
    version: integer('version').notNull(),
    generation: int8('generation').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.repoUid, table.id] }),
    // Whether a history is a line from some generation on.
    index('commits_merges').on(table.repoUid, table.generation).where(sql`cardinality(${table.parents}) > 1`),
  ],
)

/** Uncommitted changes. No foreign key: a write must not lock anything but its branch's row. */
export const staged = pgTable(
  'staged',
  {
    token: uuid('token').notNull(),
    path: bytea('path').notNull(),
    /** The framed record as it will lie in a range; null is a tombstone. */
    rec: bytea('rec'),
  },
  (table) => [primaryKey({ columns: [table.token, table.path] })],
)

/** Tokens whose rows nothing points at any more; readers that started earlier may still be on them for ten minutes. */
export const retiredTokens = pgTable('retired_tokens', {
  token: uuid('token').primaryKey(),
  retiredAt: instant('retired_at').notNull().defaultNow(),
})

/** One row per move of a ref, written by the statement that moved it. Outlives its repository. */
export const events = pgTable('events', {
  id: int8('id').primaryKey().generatedAlwaysAsIdentity(),
  repoUid: uuid('repo_uid').notNull(),
  name: text('name').notNull(),
  kind: text('kind').notNull(),
  /** Null when the ref was created. */
  oldId: text('old_id'),
  /** Null when the ref was deleted. */
  newId: text('new_id'),
  at: instant('at').notNull().defaultNow(),
})

/** Partitions of physical addresses that uploads may be using: roots for garbage collection. */
export const uploadPartitions = pgTable('upload_partitions', {
  partition: bytewiseText('partition').primaryKey(),
  createdAt: instant('created_at').notNull().defaultNow(),
  lastUsedAt: instant('last_used_at').notNull().defaultNow(),
})

/** Trees under construction: roots for garbage collection until their commit is published. */
export const trees = pgTable('trees', {
  id: uuid('id').primaryKey(),
  repoUid: uuid('repo_uid').notNull(),
  purpose: text('purpose').notNull(),
  startedAt: instant('started_at').notNull().defaultNow(),
})

export const users = pgTable('users', {
  id: bytewiseText('id').primaryKey(),
  createdAt: instant('created_at').notNull().defaultNow(),
  friendlyName: text('friendly_name'),
  email: text('email'),
  source: text('source').notNull(),
})

export const credentials = pgTable(
  'credentials',
  {
    accessKeyId: bytewiseText('access_key_id').primaryKey(),
    userId: bytewiseText('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The secret, encrypted so that S3 signatures can be checked with it. */
    sealedSecret: bytea('sealed_secret').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [index('credentials_user').on(table.userId)],
)
