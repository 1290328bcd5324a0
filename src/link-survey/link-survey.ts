// All links of the cluster at once, for people: each member knows its own and tells them when it is asked. Nothing of
// this decides anything. In a dense overlay the links grow with the square of the members, so fewer are asked there.

import type { Payload } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { MemberView, WaitOptions } from '../node-interface.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { beginWait, callAborted, nodeStopping } from '../wait.ts'
import { heard, type LinkMap, merge, type Told, tell } from './link-map.ts'

const SUBJECT = 'trellis.links'
/** Asked for one map: where everybody links to everybody, and else. */
const MAX_ASKED = { dense: 64, sparse: 400 }
/** Asked at the same time. */
const MAX_AT_ONCE = 32
const DEFAULT_TIMEOUT_MS = 2_000

export class LinkSurvey implements NodePart {
  readonly #context: NodeContext
  #answering: Disposable | undefined

  constructor(context: NodeContext) {
    this.#context = context
  }

  async start(): Promise<void> {
    const answer = (): Payload => tell(this.#context.linkViews()) as unknown as Payload
    this.#answering = this.#context.requests.handle(SUBJECT, answer)
  }

  /**
   * The links between all members that can be asked. Rejects with `ERR_ABORTED`; who does not answer within `timeoutMs`
   * (2,000, for each) is named in the answer.
   */
  async ask(options: WaitOptions = {}): Promise<LinkMap> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = beginWait('node.topology.links', options)
    if (this.#context.stage() === 'stopped') throw nodeStopping()
    const { members, self, requests, overlays, linkViews } = this.#context
    const others = members().filter(({ id, state }) => id !== self.id && (state === 'alive' || state === 'suspect'))
    const asked = others.slice(0, overlays().isSparse ? MAX_ASKED.sparse : MAX_ASKED.dense)
    const told = new Map<string, Told>([[self.name, tell(linkViews())]])
    const unanswered: LinkMap['unanswered'][number][] = []
    const queue = [...asked]
    const askOn = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { id, name }: MemberView = next
        try {
          told.set(name, heard(await requests.request(id, SUBJECT, null, { signal, timeoutMs }), name, SUBJECT))
        } catch (error) {
          if (signal?.aborted) throw callAborted('node.topology.links')
          unanswered.push({ name, problem: error instanceof ClusterError ? error.code : 'ERR_INTERNAL' })
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, queue.length) }, askOn))
    return { links: merge(told), told: [...told.keys()].sort(), unanswered, notAsked: others.length - asked.length }
  }

  close(): void {
    this.#answering?.[Symbol.dispose]()
  }
}
