/** Bodies of the requests and responses that a server exchanges with its clients: what the runtimes do differently about them. */

export interface HttpBodies {
  /** A request's body in chunks of a size worth hashing and sending on. Nothing is read before it is asked for. */
  incoming(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
  /**
   * A response's body of `sizeBytes`, told to the client, so that one who gets less than all of it notices. Null: not known; a stream
   * that fails then breaks the connection, except on workerd, where it cannot.
   */
  outgoing(body: ReadableStream<Uint8Array>, sizeBytes: number | null): ReadableStream<Uint8Array>
}

/** Bun and Node: chunks are large enough, headers are kept, and a failing stream cuts the connection. */
export const plainBodies: HttpBodies = { incoming: (body) => body, outgoing: (body) => body }
