// Why the cluster believes what it believes of a member: this node writes down the grounds of each of its own verdicts,
// answers others that ask for them, and asks all others when somebody asks it. Nothing of this decides anything.

import type { EvidenceView, Suspector, SwimEvent } from '../../topology/index.ts'
import { checkText } from '../call-options.ts'
import type { Payload } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { incarnationNumber, type MemberView, type WaitOptions } from '../node-interface.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import type { Absence } from '../runtime/away-guard.ts'
import { beginWait, callAborted, nodeStopping } from '../wait.ts'
import type { Link, LinkEnd } from '../wire/link.ts'
import { inCausalOrder } from './causal-order.ts'
import { EvidenceBook } from './evidence-book.ts'
import { type Answer, parseAnswer } from './why-answer.ts'
import type { Accuser, Belief, Unanswered, WhyView } from './why-interface.ts'

const SUBJECT = 'trellis.why'
/** Asked for one answer. */
const MAX_ASKED = 128
const DEFAULT_TIMEOUT_MS = 2_000

export class Why implements NodePart {
  readonly #context: NodeContext
  readonly #book: EvidenceBook
  #loopDelayMs = 0
  #leader: { readonly id: string; readonly term: number } | undefined
  #answering: Disposable | undefined

  constructor(context: NodeContext) {
    this.#context = context
    this.#book = new EvidenceBook(context.self.name, () => context.toolbox.clock.wall())
  }

  async start(): Promise<void> {
    this.#answering = this.#context.requests.handle(SUBJECT, ({ payload }) => {
      // What is no name is nobody's name: the answer is that nothing is known.
      return this.#own(String(payload)) as unknown as Payload
    })
  }

  /**
   * What all members that can be asked believe of `name` (or id), and why. Rejects with `ERR_UNKNOWN_MEMBER`,
   * `ERR_ABORTED`; who does not answer within `timeoutMs` (2,000) is named in the answer.
   */
  async ask(name: string, options: WaitOptions = {}): Promise<WhyView> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = beginWait('node.why', options)
    checkText('the member', name)
    if (this.#context.stage() === 'stopped') throw nodeStopping()
    const { members, self, requests } = this.#context
    const member = members().find((known) => known.name === name || known.id === name)
    if (!member) throw new ClusterError('ERR_UNKNOWN_MEMBER', `no member is called '${name}'`, { member: name })
    const others = members().filter(({ id, state }) => id !== self.id && (state === 'alive' || state === 'suspect'))
    // Whoever the question is about knows best, and those whose evidence it rests on next.
    const asked = [...others]
      .sort((a, b) => Number(b.id === member.id) - Number(a.id === member.id))
      .slice(0, MAX_ASKED)
    const unanswered: Unanswered[] = []
    const answers = await Promise.all(
      asked.map(async (other): Promise<Answer | undefined> => {
        try {
          return parseAnswer(await requests.request(other.id, SUBJECT, member.id, { signal, timeoutMs }), other.name)
        } catch (error) {
          if (signal?.aborted) throw callAborted('node.why')
          unanswered.push({ name: other.name, problem: error instanceof ClusterError ? error.code : 'ERR_INTERNAL' })
          return undefined
        }
      }),
    )
    const all = [this.#own(member.id), ...answers.filter((answer) => answer !== undefined)]
    return {
      member,
      beliefs: all.map(({ belief }) => belief).sort((a, b) => (a.name < b.name ? -1 : 1)),
      unanswered,
      notAsked: others.length - asked.length,
      evidence: inCausalOrder(
        all.flatMap(({ evidence }) => evidence),
        member.name,
      ),
    }
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    if (event.type === 'forgotten') this.#book.forget(event.member.id)
    else this.#judged(event)
  }

  #judged(event: Extract<SwimEvent, { type: 'member' }>): void {
    const { before, after, reason } = event
    const knowledge = this.#context.coordination()?.knowledge()
    this.#book.write(after.id, {
      type: 'verdict',
      incarnation: incarnationNumber(after.incarnation),
      state: after.state,
      condition: after.condition,
      previous: before ? { state: before.state, condition: before.condition } : null,
      reason,
      accusers: event.accusers.length > 0 ? this.#accusers(this.#context.evidence(after.id)) : [],
      loopDelayMs: Math.round(this.#loopDelayMs),
      term: knowledge?.term ?? 0,
      leader: knowledge?.leader === undefined ? null : this.#context.nameOf(knowledge.leader),
    })
  }

  linkUp({ peer }: Link): void {
    this.#write(peer.id, { type: 'link', state: 'up', reason: null })
  }

  linkDown({ peer }: Link, end: LinkEnd): void {
    this.#write(peer.id, { type: 'link', state: 'down', reason: end.reason ?? end.error?.message ?? 'closed' })
  }

  coordination(): void {
    const { leader, term = 0 } = this.#context.coordination()?.knowledge() ?? {}
    const known = this.#leader
    if (leader === known?.id && (leader === undefined || term === known?.term)) return
    this.#leader = leader === undefined ? undefined : { id: leader, term }
    if (known && known.id !== leader) this.#write(known.id, { type: 'leader', term: known.term, isLeader: false })
    if (leader !== undefined) this.#write(leader, { type: 'leader', term, isLeader: true })
  }

  away({ ms, suspendedMs }: Absence): void {
    const absence = { ms: Math.round(ms), suspendedMs: Math.round(suspendedMs) }
    this.#write(this.#context.self.id, { type: 'absence', ...absence })
  }

  loopDelay(ms: number): void {
    this.#loopDelayMs = ms
  }

  close(): void {
    this.#answering?.[Symbol.dispose]()
  }

  #write(
    id: string,
    entry:
      | { readonly type: 'link'; readonly state: 'up' | 'down'; readonly reason: string | null }
      | { readonly type: 'absence'; readonly ms: number; readonly suspendedMs: number }
      | { readonly type: 'leader'; readonly term: number; readonly isLeader: boolean },
  ): void {
    this.#book.write(id, { ...entry, incarnation: this.#member(id)?.incarnation ?? 0 })
  }

  #own(id: string): Answer {
    const { self } = this.#context
    const member = this.#member(id)
    const held = this.#context.evidence(id)
    const now = this.#context.toolbox.clock.now()
    const { role = 'none', term = 0, commitIndex = 0 } = this.#context.coordination()?.knowledge() ?? {}
    const belief: Belief = {
      name: self.name,
      state: member?.state ?? null,
      condition: member?.condition ?? null,
      incarnation: member?.incarnation ?? null,
      log: { role, term, commitIndex },
      suspicion: held
        ? {
            forMs: Math.round(now - held.since),
            remainingMs: held.deadline === undefined ? null : Math.max(0, Math.round(held.deadline - now)),
            accusers: this.#accusers(held),
          }
        : null,
    }
    return { belief, evidence: this.#book.about(id) }
  }

  #accusers(held: EvidenceView | undefined): Accuser[] {
    const { nameOf, toolbox } = this.#context
    const agoMs = ({ at }: Suspector): number => Math.max(0, Math.round(toolbox.clock.now() - at))
    return (held?.suspectors ?? []).map((one) => ({ by: nameOf(one.by), kind: one.kind, agoMs: agoMs(one) }))
  }

  #member(id: string): MemberView | undefined {
    return this.#context.members().find((member) => member.id === id)
  }
}
