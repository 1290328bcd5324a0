// Where the addresses of peers come from when nobody writes them down: DNS, Consul, Kubernetes, or a provider of one's
// own. A provider says who might be there; only a handshake shows who is. Every sentence of these comments is a case in
// `testing/compliance/discovery.ts`.

/** What a provider may tell others of this node. */
export interface Announcement {
  readonly id: string
  readonly name: string
  /** The cluster's name, as in the options. */
  readonly cluster: string
  /** `host:port` that others dial. */
  readonly address: string
}

/** Reports what went wrong and will be tried again. Called any number of times; the provider goes on. */
export type ReportTrouble = (trouble: Error) => void

/** A source of seeds. Pass it in `join`, beside addresses or alone. */
export interface Discovery {
  /** For logs: what is asked, without secrets. */
  readonly name: string
  /**
   * Yields the whole set of seeds (`host:port`) once it is known, and again each time it changes; never the same set
   * twice in a row. An outage is reported, tried again with growing pauses, and changes nothing: silence is not an
   * empty cluster. Ends, without throwing and leaving no handle, when `signal` aborts; a node that stops waits 3 s for
   * that, and then stops without it.
   */
  watch(signal: AbortSignal, report: ReportTrouble): AsyncIterable<ReadonlySet<string>>
  /**
   * Tells the provider that this node is here, keeps telling it, and takes that back when `signal` aborts; then
   * resolves, and is waited for no longer than that. An outage is reported and tried again. Absent where somebody else
   * registers the members, as in DNS.
   */
  announce?(self: Announcement, signal: AbortSignal, report: ReportTrouble): Promise<void>
}

/** Seeds of one provider that are used; what comes on top is reported and left out. */
export const MAX_SEEDS = 1_000
