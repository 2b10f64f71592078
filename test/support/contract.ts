/** Checks answers against the committed lakeFS contract. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Ajv, type ValidateFunction } from 'ajv'
import { expect } from 'vitest'
import type { Answer } from './http.ts'

const contract = JSON.parse(
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
