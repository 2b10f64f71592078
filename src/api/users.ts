/** Operations on users and their access keys. */
import type { Sealer } from '../auth/seal.ts'
import {
  type Credentials,
  createCredentials,
  deleteCredentials,
  getCredentials,
  getUser,
  listCredentials,
  listUsers,
  type User,
} from '../auth/users.ts'
import type { Db } from '../db/db.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, page, type Reply } from './responses.ts'

export interface UserDependencies {
  readonly db: Db
  readonly sealer: Sealer
}

function showUser(user: User) {
  return {
    id: user.name,
    creation_date: user.createdAtSeconds,
    friendly_name: user.friendlyName ?? user.name,
    ...(user.email === null ? {} : { email: user.email }),
  }
}

function showCredentials({ accessKeyId, createdAtSeconds }: Credentials) {
  return { access_key_id: accessKeyId, creation_date: createdAtSeconds }
}

export function userHandlers({ db, sealer }: UserDependencies) {
  return {
    async listUsers(request: ApiRequest): Promise<Reply> {
      const { items, hasMore } = await listUsers(db, request.query.namePage())
      return json(200, page(items.map(showUser), hasMore, items.at(-1)?.name ?? ''))
    },

    async getUser(request: ApiRequest): Promise<Reply> {
      return json(200, showUser(await getUser(db, request.param('userId'))))
    },

    async listUserCredentials(request: ApiRequest): Promise<Reply> {
      const { items, hasMore } = await listCredentials(db, request.param('userId'), request.query.namePage())
      return json(200, page(items.map(showCredentials), hasMore, items.at(-1)?.accessKeyId ?? ''))
    },

    async createCredentials(request: ApiRequest): Promise<Reply> {
      const created = await createCredentials(db, sealer, request.param('userId'))
      return json(201, { ...showCredentials(created), secret_access_key: created.secretAccessKey })
    },

    async getCredentials(request: ApiRequest): Promise<Reply> {
      const found = await getCredentials(db, request.param('userId'), request.param('accessKeyId'))
      return json(200, showCredentials(found))
    },

    async deleteCredentials(request: ApiRequest): Promise<Reply> {
      await deleteCredentials(db, request.param('userId'), request.param('accessKeyId'))
      return empty(204)
    },
  }
}
