// Who calls whom, as the caller measures it: how often, how fast, how many fail. Bounded: the edge that was used
// longest ago goes first.

/** One caller and one service that it calls; an entry of `GET /v1/calls`. */
export interface CallEdge {
  /** The service whose handler calls; empty: the member's own program. */
  readonly from: string
  /** Name of the member that calls. */
  readonly member: string
  /** The service that is called. */
  readonly to: string
  /** Calls a second, as the last half minute or so had them. */
  readonly rate: number
  /** Since the member started. */
  readonly calls: number
  readonly errors: number
  /** Share of the last calls that failed, 0 to 1; the newest count most. */
  readonly errorShare: number
  /** Mean of what the last calls took, in milliseconds; the newest count most. */
  readonly latencyMs: number
}

/** Edges of one member. */
export const MAX_EDGES = 1_000
/** An edge without a call for so long is not told any more. */
const QUIET_MS = 300_000
/** Over how long a rate is a mean: half of it is of the last 10 s · ln 2. */
const RATE_MS = 10_000
/** Weight of the newest call. */
const NEWEST = 0.1

interface Edge {
  readonly from: string
  readonly to: string
  calls: number
  errors: number
  errorShare: number
  latencyMs: number
  /** Calls per millisecond, exponentially decayed, as of `at`. */
  rate: number
  at: number
}

export class CallEdges {
  readonly #edges = new Map<string, Edge>()
  /** The one that was used last: mostly it is the next one, too. */
  #last: Edge | undefined

  /** A call has ended; `now` and `tookMs` in milliseconds. */
  note(from: string, to: string, hasFailed: boolean, tookMs: number, now: number): void {
    const last = this.#last
    const edge = last?.from === from && last.to === to ? last : this.#find(from, to, tookMs, now)
    this.#last = edge
    edge.calls += 1
    edge.rate = edge.rate * Math.exp((edge.at - now) / RATE_MS) + 1 / RATE_MS
    edge.at = now
    edge.latencyMs += NEWEST * (tookMs - edge.latencyMs)
    edge.errorShare += NEWEST * ((hasFailed ? 1 : 0) - edge.errorShare)
    if (hasFailed) edge.errors += 1
  }

  view(member: string, now: number): CallEdge[] {
    return [...this.#edges.values()]
      .filter(({ at }) => now - at < QUIET_MS)
      .map(({ from, to, calls, errors, errorShare, latencyMs, rate, at }) => {
        const decayed = rate * Math.exp((at - now) / RATE_MS) * 1_000
        return { from, member, to, rate: decayed, calls, errors, errorShare, latencyMs }
      })
  }

  #find(from: string, to: string, tookMs: number, now: number): Edge {
    const key = `${from}\n${to}`
    return this.#edges.get(key) ?? this.#create(key, from, to, tookMs, now)
  }

  #create(key: string, from: string, to: string, tookMs: number, now: number): Edge {
    if (this.#edges.size >= MAX_EDGES) {
      const oldest = [...this.#edges].reduce((one, other) => (other[1].at < one[1].at ? other : one))
      this.#edges.delete(oldest[0])
    }
    const edge = { from, to, calls: 0, errors: 0, errorShare: 0, latencyMs: tookMs, rate: 0, at: now }
    this.#edges.set(key, edge)
    return edge
  }
}
