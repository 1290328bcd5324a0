// How busy members are, on average: each asks a few others, drawn anew each time, what they measured in their last
// whole minute. The cost of that does not grow with the cluster, and a member that sends little itself still knows of a
// busy cluster.

import type { Payload } from '../channels/payload.ts'
import type { NodeContext } from '../node-part.ts'

export const TRAFFIC_SUBJECT = 'trellis.traffic'
/** Asked each time: an average over so many is within a quarter of the true one where members differ twofold. */
export const MAX_ASKED = 16
const TIMEOUT_MS = 3_000

/** What one member, or the average one, did. */
export interface Traffic {
  readonly messagesPerSecond: number
  /** Different members that it sent to. */
  readonly fanOut: number
}

export class TrafficSurvey implements Disposable {
  readonly #context: Pick<NodeContext, 'members' | 'requests' | 'self' | 'toolbox'>
  readonly #stopping = new AbortController()
  readonly #answering: Disposable

  /** `own`: of this member's last whole window; undefined: there is none yet. */
  constructor(context: Pick<NodeContext, 'members' | 'requests' | 'self' | 'toolbox'>, own: () => Traffic | undefined) {
    this.#context = context
    this.#answering = context.requests.handle(TRAFFIC_SUBJECT, () => ({ ...own() }))
  }

  /** The average of `own` and of those that answer. */
  async average(own: Traffic): Promise<Traffic> {
    const { requests, toolbox } = this.#context
    const options = { signal: this.#stopping.signal, timeoutMs: TIMEOUT_MS }
    const answers = await Promise.all(
      this.#chosen().map(async (member) => {
        try {
          return parseTraffic(await requests.request(member, TRAFFIC_SUBJECT, null, options))
        } catch {
          // Gone, busy or of an older release: there are others.
          toolbox.counters.add('traffic-unanswered')
          return undefined
        }
      }),
    )
    const known = [own, ...answers.filter((answer) => answer !== undefined)]
    const mean = (of: (traffic: Traffic) => number): number =>
      known.reduce((sum, traffic) => sum + of(traffic), 0) / known.length
    return {
      messagesPerSecond: mean(({ messagesPerSecond }) => messagesPerSecond),
      fanOut: mean(({ fanOut }) => fanOut),
    }
  }

  [Symbol.dispose](): void {
    this.#stopping.abort(new Error('the node is stopping'))
    this.#answering[Symbol.dispose]()
  }

  #chosen(): string[] {
    const { self, toolbox } = this.#context
    const others = this.#context.members().filter(({ id, state }) => id !== self.id && state === 'alive')
    const chosen: string[] = []
    while (chosen.length < MAX_ASKED && others.length > 0)
      chosen.push(others.splice(Math.floor(toolbox.random() * others.length), 1)[0]!.id)
    return chosen
  }
}

/** Undefined: it has measured nothing yet, or says what cannot be. */
function parseTraffic(payload: Payload): Traffic | undefined {
  const { messagesPerSecond, fanOut } = (payload ?? {}) as Partial<Traffic>
  const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
  return isCount(messagesPerSecond) && isCount(fanOut) ? { messagesPerSecond, fanOut } : undefined
}
