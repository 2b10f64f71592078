/** Checks answers against the committed lakeFS contract. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Ajv, type ValidateFunction } from 'ajv'
import { expect } from 'vitest'
import type { Answer } from './http.ts'

/** The contract as it was committed. */
export const contract = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/lakefs-api.json.gz', import.meta.url))).toString(),
)
const ajv = new Ajv({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'contract', components: contract.components })
const validators = new Map<string, ValidateFunction>()

/** Fails the test unless the answer's body has the shape that the contract names `schema`. */
export function expectShape(answer: Answer, schema: string): void {
  let validate = validators.get(schema)
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `contract#/components/schemas/${schema}` })
    validators.set(schema, validate)
  }
  const valid = validate(answer.json)
  expect(valid ? [] : validate.errors, `${schema}: ${JSON.stringify(answer.json)?.slice(0, 500)}`).toEqual([])
}

/**
 * What is wrong with a success: a status that the operation does not have, or a JSON body of another shape. Null when nothing is.
 * `path` is the contract's own (`/repositories/{repository}`), `method` in lower case.
 */
export function successProblem(method: string, path: string, status: number, body: Buffer): string | null {
  const response = contract.paths[path][method].responses[status]
  if (response === undefined) return `the contract has no status ${status}`
  const schema = response.content?.['application/json']?.schema
  if (schema === undefined) return null
  const key = `${method} ${path} ${status}`
  let validate = validators.get(key)
  if (validate === undefined) {
    validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"contract#/')))
    validators.set(key, validate)
  }
  let json: unknown
  try {
    json = JSON.parse(body.toString())
  } catch {
    return `no JSON: ${body.toString().slice(0, 200)}`
  }
  return validate(json) ? null : `not as the contract has it: ${ajv.errorsText(validate.errors)}`
}

/** A refusal: its status, a message like `text`, in the contract's shape. */
export function refusal(answer: Answer, status: number, text: string | RegExp): void {
  const { message } = answer.json ?? {}
  expect({ status: answer.status, message }).toEqual({ status, message: expect.stringMatching(text) })
  expectShape(answer, 'Error')
}
