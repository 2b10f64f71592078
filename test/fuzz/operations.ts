/** The operations of the contract as the fuzzer needs them: parameters resolved, schemas without references. */
import { contract } from '../support/contract.ts'

export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly allOf?: readonly Schema[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly allowEmptyValue?: boolean
  readonly schema: Schema
}

export interface Operation {
  readonly id: string
  readonly method: string
  /** `/repositories/{repository}`. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly bodyTypes: readonly string[]
  readonly bodySchema: Schema | null
  /** Anybody may call it. */
  readonly open: boolean
}

interface RawOperation {
  readonly operationId: string
  readonly parameters?: readonly (Parameter & Schema)[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly security?: readonly unknown[]
}

export const operations: readonly Operation[] = Object.entries(
  contract.paths as Record<string, Record<string, RawOperation> & { parameters?: RawOperation['parameters'] }>,
).flatMap(([path, { parameters: shared = [], ...methods }]) =>
  Object.entries(methods).map(([method, raw]) => {
    const content = raw.requestBody?.content ?? {}
    return {
      id: raw.operationId,
      method: method.toUpperCase(),
      path,
      parameters: [...shared, ...(raw.parameters ?? [])].map((parameter) => resolve(parameter) as unknown as Parameter),
      bodyTypes: Object.keys(content),
      bodySchema: content['application/json']?.schema ?? null,
      open: raw.security?.length === 0,
    }
  }),
)

/** What a reference stands for; the parts of an `allOf` become one. */
export function resolve(schema: Schema): Schema {
  if (schema.$ref !== undefined) {
    let found: unknown = contract
    for (const part of schema.$ref.slice(2).split('/')) found = (found as Record<string, unknown>)[part]
    return resolve(found as Schema)
  }
  if (schema.allOf === undefined) return schema
  const parts = schema.allOf.map(resolve)
  return {
    ...schema,
    type: 'object',
    required: [...(schema.required ?? []), ...parts.flatMap(({ required = [] }) => required)],
    properties: Object.assign({}, ...parts.map(({ properties }) => properties), schema.properties),
  }
}
