import type { MetaRangeId } from '../model.ts'

/** Properties of a table that enter its id: `type`, and for dumps `entity`, `schema_name`, `schema_definition`. */
export type TableProperties = Readonly<Record<string, string>>

export const rangeProperties: TableProperties = { type: 'ranges' }
export const metaRangeProperties: TableProperties = { type: 'metaranges' }

/** The metarange without ranges: what a commit that deleted everything, or an empty first commit, refers to. */
export const emptyMetaRangeId = '00fb7eff1a97c500eb3ca8d2ef5464131d6b6a5f9512e41eba97843522213b66' as MetaRangeId
