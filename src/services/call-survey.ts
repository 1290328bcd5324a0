// Who calls whom in the whole cluster: every member measures the calls that it makes, and whoever wants to see them all
// asks all.

import type { WaitOptions } from '../node-interface.ts'
import type { NodeContext } from '../node-part.ts'
import { beginWait, callAborted } from '../wait.ts'
import { type CallEdge, type CallEdges, MAX_EDGES } from './call-edges.ts'
import type { CallGraph } from './service-interface.ts'

const SUBJECT = 'trellis.service.calls'
const DEFAULT_TIMEOUT_MS = 2_000
const MAX_NAME_LENGTH = 128

export class CallSurvey implements Disposable {
  readonly #context: NodeContext
  readonly #edges: CallEdges
  readonly #handler: Disposable

  constructor(context: NodeContext, edges: CallEdges) {
    this.#context = context
    this.#edges = edges
    this.#handler = context.requests.handle(SUBJECT, () => this.#own() as unknown as [])
  }

  async ask(options: WaitOptions = {}): Promise<CallGraph> {
    beginWait('services.callGraph', options)
    const { requests, self } = this.#context
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const others = this.#context.members().filter(({ id, state }) => id !== self.id && state === 'alive')
    const asked = others.map(async ({ id, name }) => {
      try {
        return edgesOf(name, await requests.request(id, SUBJECT, null, { signal, timeoutMs }))
      } catch {
        if (signal?.aborted) throw callAborted('services.callGraph')
        // Of whom nothing is known is told by name.
        return name
      }
    })
    const answers = await Promise.all(asked)
    const missing = answers.filter((answer) => typeof answer === 'string').sort()
    const edges = [this.#own(), ...answers.filter((answer) => typeof answer !== 'string')].flat()
    return { edges: edges.sort((one, other) => other.rate - one.rate), missing }
  }

  [Symbol.dispose](): void {
    this.#handler[Symbol.dispose]()
  }

  #own(): CallEdge[] {
    return this.#edges.view(this.#context.self.name, this.#context.toolbox.clock.now())
  }
}

/** Throws when it is no list of edges. Whose they are is known from who answered. */
function edgesOf(member: string, answer: unknown): CallEdge[] {
  if (!Array.isArray(answer) || answer.length > MAX_EDGES) throw new TypeError('no list of calls')
  return answer.map((value: unknown) => {
    const { from, to, rate, calls, errors, errorShare, latencyMs } = value as CallEdge
    const areNames = [from, to].every((name) => typeof name === 'string' && name.length <= MAX_NAME_LENGTH)
    const areNumbers = [rate, calls, errors, errorShare, latencyMs].every(Number.isFinite)
    if (!areNames || !areNumbers) throw new TypeError('no edge')
    return { from, member, to, rate, calls, errors, errorShare, latencyMs }
  })
}
