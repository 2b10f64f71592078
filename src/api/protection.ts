/** Operations on the protection of branches; those named `internal` are what older clients call. */
import * as v from 'valibot'
import type { Catalog } from '../catalog/catalog.ts'
import {
  addProtectionRule,
  getProtectionRules,
  removeProtectionRule,
  setProtectionRules,
} from '../catalog/protection.ts'
import { databaseText, readJson } from './body.ts'
import type { ApiRequest } from './request.ts'
import { empty, json, type Reply } from './responses.ts'

const rule = v.object({ pattern: v.pipe(databaseText, v.minLength(1, 'must not be empty')) })
const rules = v.array(rule)

export function protectionHandlers(catalog: Catalog) {
  const get = async (request: ApiRequest): Promise<Reply> => {
    const { patterns, eTag } = await getProtectionRules(catalog, request, request.param('repository'))
    const headers = eTag === '' ? {} : { ETag: eTag }
    return json(
      200,
      patterns.map((pattern) => ({ pattern })),
      headers,
    )
  }

  return {
    getBranchProtectionRules: get,
    internalGetBranchProtectionRules: get,

    async setBranchProtectionRules(request: ApiRequest): Promise<Reply> {
      const patterns = (await readJson(request, rules)).map(({ pattern }) => pattern)
      // lakeFS's clients send the tag as they got it, without quotes, others as HTTP has it; an empty one means that there were no rules.
      const ifMatch = request.header('if-match')?.replace(/^"(.*)"$/, '$1') ?? null
      await setProtectionRules(catalog, request, request.param('repository'), patterns, ifMatch)
      return empty(204)
    },

    async internalCreateBranchProtectionRule(request: ApiRequest): Promise<Reply> {
      const { pattern } = await readJson(request, rule)
      await addProtectionRule(catalog, request, request.param('repository'), pattern)
      return empty(204)
    },

    async internalDeleteBranchProtectionRule(request: ApiRequest): Promise<Reply> {
      const { pattern } = await readJson(request, rule)
      const removed = await removeProtectionRule(catalog, request, request.param('repository'), pattern)
      return removed ? empty(204) : json(404, { message: `no rule has the pattern ${JSON.stringify(pattern)}` })
    },

    /** Permission was asked for already: what is left is whether the repository is there. */
    async createBranchProtectionRulePreflight(request: ApiRequest): Promise<Reply> {
      await getProtectionRules(catalog, request, request.param('repository'))
      return empty(204)
    },
  }
}
