/** The XML of S3's answers and of the three requests that have a body. */
import { XMLParser } from 'fast-xml-parser'

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => name === 'Contents' || name === 'Part' || name === 'Error' || name === 'Deleted',
})

/** One element: its children by name. */
export type XmlElement = Readonly<Record<string, unknown>>

/** The root element's name and content; null when `text` is no XML document. */
export function parseXml(text: string): { readonly name: string; readonly content: unknown } | null {
  let document: unknown
  try {
    document = parser.parse(text)
  } catch {
    return null
  }
  if (!isElement(document)) return null
  const name = Object.keys(document).find((key) => !key.startsWith('#') && !key.startsWith('?'))
  return name === undefined ? null : { name, content: document[name] }
}

/** True for an element with children. */
function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Text of a child; `""` when it is missing or has children. */
export function textOf(element: unknown, child: string): string {
  const value = isElement(element) ? element[child] : undefined
  return typeof value === 'string' ? value : ''
}

/** The children of one name, which may be none. */
export function childrenOf(element: unknown, child: string): readonly XmlElement[] {
  const value = isElement(element) ? element[child] : undefined
  return Array.isArray(value) ? value.filter(isElement) : isElement(value) ? [value] : []
}

/** What an `<Error>` document says; null for any other. */
export function parseError(text: string): { code: string; message: string; region: string; requestId: string } | null {
  const root = parseXml(text)
  if (root?.name !== 'Error') return null
  const [error] = Array.isArray(root.content) ? root.content : [root.content]
  return {
    code: textOf(error, 'Code'),
    message: textOf(error, 'Message'),
    region: textOf(error, 'Region'),
    requestId: textOf(error, 'RequestId'),
  }
}

/** True when XML 1.0 can carry the text at all. */
export function fitsXml(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 && code !== 0x9 && code !== 0xa && code !== 0xd) return false
    if (code === 0xfffe || code === 0xffff) return false
  }
  return true
}

/** Escapes text for an element; line ends and tabs too, which parsers would normalise. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`)
}
