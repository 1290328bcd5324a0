// What this page has heard. A page that hears nothing for `silenceMs` says so and keeps what it heard last; the browser
// reconnects by itself, and where it gives up (a refused token, a node that is gone) the page asks again for ever.

import type { LinkMap } from '../../../link-survey/link-map.ts'
import type { ClusterEvent, MemberView, NodeStatus, TopologyView } from '../../../node-interface.ts'
import { eventLine, type Line, missedLines } from '../words.ts'

/** `locked`: this admin asks for a token. */
export type Connection = 'waiting' | 'live' | 'gone' | 'locked'

export interface Entry extends Line {
  readonly key: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface View {
  readonly connection: Connection
  readonly status: NodeStatus | undefined
  readonly members: readonly MemberView[]
  readonly topology: TopologyView | undefined
  /** The links of all members; undefined until they have told them. */
  readonly links: LinkMap | undefined
  /** Where the switch that is under way goes; undefined: there is none, or its beginning was not heard. */
  readonly switchTo: string | undefined
  /** Newest first. */
  readonly entries: readonly Entry[]
  /** When the node was heard last, in milliseconds since the epoch. */
  readonly heardAt: number | undefined
  /** Why the last token did not open this admin. */
  readonly refusal: string | undefined
}

const silenceMs = 7_000
const retryMs = 1_000
const maxEntries = 200
const eventTypes = ['member', 'leader', 's5', 'switch', 'advice', 'link', 'congestion'] as const

export class Feed {
  view: View = {
    connection: 'waiting',
    status: undefined,
    members: [],
    topology: undefined,
    links: undefined,
    switchTo: undefined,
    entries: [],
    heardAt: undefined,
    refusal: undefined,
  }
  readonly #onChange: (view: View) => void
  #source: EventSource | undefined
  #retry: number | undefined
  #keys = 0
  #hasPast = false
  /** The members as they were when the connection was lost, until new ones come. */
  #before: readonly MemberView[] | undefined

  constructor(onChange: (view: View) => void) {
    this.#onChange = onChange
    setInterval(() => this.#look(), 500)
    this.#askAgain(0)
  }

  async unlock(token: string): Promise<void> {
    const body = JSON.stringify({ token })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch('/v1/session', { method: 'POST', headers, body }).catch(() => undefined)
    if (answer?.ok) return this.#connect()
    this.#change({ refusal: answer ? 'That token is not known here.' : 'The node does not answer.' })
  }

  #change(parts: Partial<View>): void {
    this.view = { ...this.view, ...parts }
    this.#onChange(this.view)
  }

  #connect(): void {
    this.#source?.close()
    const source = new EventSource('/v1/events')
    this.#source = source
    const on = <Data>(type: string, parts: (data: Data) => Partial<View>): void =>
      source.addEventListener(type, (event) => {
        const data = JSON.parse((event as MessageEvent<string>).data) as Data
        this.#change({ connection: 'live', heardAt: Date.now(), refusal: undefined, ...parts(data) })
      })
    on<NodeStatus>('status', (status) => ({ status, ...this.#opened(status) }))
    on<{ members: MemberView[] }>('members', ({ members }) => ({ members, ...this.#missed(members) }))
    on<TopologyView>('topology', (topology) => ({ topology }))
    on<LinkMap>('links', (links) => ({ links }))
    on<{ events: readonly ClusterEvent[] }>('past', ({ events }) => this.#recall(events))
    on('alive', () => ({}))
    for (const type of eventTypes)
      on<ClusterEvent>(type, (event) => ({ entries: this.#note(event.at, eventLine(event)), ...switchAim(event) }))
    source.onerror = () => {
      this.#lost()
      if (source.readyState === EventSource.CLOSED) this.#askAgain(retryMs)
    }
  }

  #note(at: number, ...lines: readonly Line[]): readonly Entry[] {
    const made = lines.map((line): Entry => ({ ...line, at, key: this.#keys++ })).reverse()
    return [...made, ...this.view.entries].slice(0, maxEntries)
  }

  /** What was before, the node tells (`past`). */
  #opened({ cluster }: NodeStatus): Partial<View> {
    if (this.view.status !== undefined) return {}
    const opened: Line = { kind: 'page', sign: '○', text: `page opened: ${cluster.alive} of ${cluster.size} alive` }
    return { entries: this.#note(Date.now(), opened) }
  }

  /** What the node remembers from before this page was opened stands below all that the page saw itself. */
  #recall(events: readonly ClusterEvent[]): Partial<View> {
    if (this.#hasPast) return {}
    this.#hasPast = true
    const told = events.map((event): Entry => ({ ...eventLine(event), at: event.at, key: this.#keys++ })).reverse()
    const last = events.findLast(({ type }) => type === 'switch')
    return { entries: [...this.view.entries, ...told].slice(0, maxEntries), ...(last && switchAim(last)) }
  }

  /** Says what has changed in silence; only the page knows that it was away. */
  #missed(members: readonly MemberView[]): Partial<View> {
    if (this.#before === undefined) return {}
    const back: Line = { kind: 'page', sign: '⟳', text: 'this page is connected again' }
    const entries = this.#note(Date.now(), ...missedLines(this.#before, members), back)
    this.#before = undefined
    return { entries }
  }

  #lost(): void {
    if (this.view.connection === 'gone') return
    this.#change({ connection: 'gone' })
    if (this.view.status === undefined) return
    this.#before ??= this.view.members
    const line: Line = { kind: 'page', sign: '⤫', text: 'this page lost its connection' }
    this.#change({ entries: this.#note(Date.now(), line) })
  }

  #look(): void {
    const { connection, heardAt } = this.view
    if (connection !== 'live' || heardAt === undefined || Date.now() - heardAt <= silenceMs) return
    this.#source?.close()
    this.#lost()
    this.#askAgain(retryMs)
  }

  #askAgain(delayMs: number): void {
    if (this.#retry !== undefined) return
    this.#retry = setTimeout(async () => {
      const answer = await fetch('/v1/status').catch(() => undefined)
      this.#retry = undefined
      if (answer?.ok) return this.#connect()
      if (answer?.status === 401) return this.#change({ connection: 'locked' })
      this.#lost()
      this.#askAgain(retryMs)
    }, delayMs)
  }
}

function switchAim(event: ClusterEvent): Partial<View> {
  if (event.type !== 'switch') return {}
  const isOver = event.phase === 'stable' || event.phase === 'committed' || event.phase === 'aborted'
  return { switchTo: isOver ? undefined : event.to }
}
