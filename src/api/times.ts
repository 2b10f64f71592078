/** Times on the wire: Unix seconds in JSON, RFC 3339 in queries, HTTP dates in headers. */
import * as v from 'valibot'

/** 0001-01-01 and 9999-12-31 23:59:59: all that protobuf's `Timestamp`, in which times are stored, allows. */
const MIN_SECONDS = -62_135_596_800
const MAX_SECONDS = 253_402_300_799
/** 0000-01-01: an HTTP date has four digits for the year. */
const MIN_HTTP_SECONDS = -62_167_219_200
const RANGE = `must be between ${MIN_SECONDS} and ${MAX_SECONDS}`
const DATE_TIME = /^(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3])(:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|([+-]\d\d):?(\d\d))$/

/** Unix seconds that can be stored. */
export const timestampSeconds = v.pipe(
  v.number(),
  v.safeInteger('must be an integer'),
  v.minValue(MIN_SECONDS, RANGE),
  v.maxValue(MAX_SECONDS, RANGE),
)

/**
 * An RFC 3339 date-time as Unix seconds, null for anything else (a day that its month does not have, 24:00, no zone). The Python
 * client leaves out the colon of the zone, so that may be missing.
 */
export function parseDateTime(value: string): number | null {
  const [, date = '', hour = '', rest = '', offsetHours, offsetMinutes] = DATE_TIME.exec(value) ?? []
  // Date.parse makes 1 March of 30 February.
  const day = new Date(`${date}T00:00:00Z`)
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date) return null
  const zone = offsetHours === undefined ? 'Z' : `${offsetHours}:${offsetMinutes}`
  const milliseconds = Date.parse(`${date}T${hour}${rest}${zone}`)
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000
}

/** Unix seconds as an HTTP date (RFC 9110, 5.6.7); null when it has none. */
export function httpDate(seconds: number): string | null {
  if (!(seconds >= MIN_HTTP_SECONDS && seconds <= MAX_SECONDS)) return null
  return new Date(seconds * 1000).toUTCString()
}
