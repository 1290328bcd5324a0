// Topics that a transport carries beyond the cluster, to and from programs that are no members and know no cluster
// secret. They are public by being declared: what is published there can be read, and written, by whoever speaks the
// transport's own protocol.

/** One topic that is open. */
export interface OpenTopic {
  /** The topic's name, the same for members and for others; no wildcard. */
  readonly topic: string
  /** Whose subscribers hear of it. */
  readonly channel: 'events' | 'gossip'
  /** What a payload is there: JSON text, or bytes. */
  readonly format: 'json' | 'bytes'
}

/** What came on an open topic. */
export interface OpenMessage {
  readonly topic: OpenTopic
  readonly payload: Uint8Array
  /** The id whose key has signed it; empty when it is not signed. */
  readonly source: string
  /** The id of the peer that brought it. */
  readonly from: string
}

/** The open topics of a transport. */
export interface OpenTopics {
  readonly topics: readonly OpenTopic[]
  /** Copies that came of what had come already. */
  readonly duplicates: number
  /** Hands over what others have published from now on. */
  onMessage(handler: (message: OpenMessage) => void): void
  /**
   * Keeps a connection to each of these members, at most 8, at addresses in the transport's own words: where there are
   * other transports, too, links may not make one.
   */
  keepConnected(members: readonly { readonly id: string; readonly address: string }[]): void
  /** Resolves when it has left for the peers that this node has. Rejects with `ERR_BUFFER_FULL`. */
  publish(topic: OpenTopic, payload: Uint8Array): Promise<void>
}
