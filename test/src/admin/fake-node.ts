// A node that is nothing but what it shows: for tests of those who only look at one.

import type { AdminNode } from '../../../src/admin/server.ts'
import { ClusterError } from '../../../src/errors.ts'
import type { Channel, ChannelStats } from '../../../src/index.ts'
import type { ClusterEvent, LinkView, MemberView, NodeStatus } from '../../../src/node-interface.ts'
import type { SwitchOptions, SwitchReport } from '../../../src/switching/report.ts'
import { Adviser, type Situation } from '../../../topology/index.ts'

export interface FakeNode extends AdminNode {
  /** Replaces parts of the status; what is not named stays. */
  change(parts: { readonly [Part in keyof NodeStatus]?: Partial<NodeStatus[Part]> }): void
  setMembers(members: readonly MemberView[]): void
  setLinks(links: readonly LinkView[]): void
  /** What a switch is answered with; a refusal is thrown. */
  setSwitch(answer: SwitchReport | ClusterError): void
  /** The switches that were asked for. */
  readonly orders: readonly { readonly name: string; readonly options: SwitchOptions | undefined }[]
  emit(event: ClusterEvent): void
  readonly listeners: number
}

/** A part that this node has not, for tests that never ask it anything. */
function absent<Part extends object>(name: string): Part {
  return new Proxy({} as Part, {
    get: (_, method) => () => Promise.reject(new Error(`the fake node has no ${name}.${String(method)}`)),
  })
}

const calm: Situation = {
  members: 1,
  servers: 0,
  clients: 0,
  messagesPerSecond: 0,
  fanOut: 0,
  churnPerMinute: 0,
  linkBytes: 0,
  linkMs: 0,
}

/** A channel on which nothing has happened. */
const quiet = (channel: string): ChannelStats => ({
  channel: channel as ChannelStats['channel'],
  queue: { messages: 0, bytes: 0, oldestMs: 0 },
  credit: 0,
  unacknowledged: 0,
  connections: 0,
  sent: { messages: 0, bytes: 0 },
  received: { messages: 0, bytes: 0 },
  handlers: { running: 0, waiting: 0 },
  dropped: {},
  latency: { count: 0, p50Ms: undefined, p99Ms: undefined, maxMs: undefined },
  lanes: [],
})

export function memberView(name: string, fields: Partial<MemberView> = {}): MemberView {
  return {
    id: `12D3KooW${name}`,
    name,
    address: '127.0.0.1:7401',
    state: 'alive',
    condition: 'ok',
    incarnation: 1_048_576,
    roles: [],
    zone: '',
    ...fields,
  }
}

const none = { block: [], direction: 'both', stallMs: 0 } as const

export function fakeNode(name = 'node-1'): FakeNode {
  const listeners = new Set<(event: ClusterEvent) => void>()
  let members: readonly MemberView[] = [memberView(name)]
  let links: readonly LinkView[] = []
  let status: NodeStatus = {
    node: { id: `12D3KooW${name}`, name, address: '127.0.0.1:7401', roles: [], condition: 'ok' },
    cluster: { id: 'c1', name: 'trellis', size: 1, alive: 1 },
    topology: { name: 'full-mesh', epoch: 0, phase: 'stable' },
    consensus: { role: 'leader', term: 1, leader: name, commitIndex: 2, quorum: true, voters: [name], learners: [] },
    s5: { host: name, phase: 'active', fencingToken: 2 },
  }
  const orders: { name: string; options: SwitchOptions | undefined }[] = []
  let answer: SwitchReport | ClusterError = {
    epoch: 1,
    from: 'full-mesh',
    to: 'hyparview',
    outcome: 'committed',
    durationMs: 42,
    nodes: [{ name, progress: 'verified', afterMs: 7, adopted: true }],
    reason: null,
  }
  return {
    orders,
    setSwitch: (next) => {
      answer = next
    },
    topology: {
      links: async () => ({ links: [], told: [name], unanswered: [], notAsked: 0 }),
      view: () => ({ ...status.topology, links, history: [] }),
      advise: () => new Adviser().advise(calm, status.topology.name, ['full-mesh'], 0),
      switch: async (name, options) => {
        orders.push({ name, options })
        if (answer instanceof ClusterError) throw answer
        return answer
      },
    },
    address: '127.0.0.1:7401',
    status: () => status,
    members: () => members,
    links: () => links,
    channel: (name) => ({ ...absent<Channel>('channel'), name, stats: () => quiet(name) }) as unknown as Channel,
    config: absent<AdminNode['config']>('config'),
    services: absent<AdminNode['services']>('services'),
    federation: () => ({ name: null, address: null, links: [], exports: [], imports: [] }),
    locks: absent<AdminNode['locks']>('locks'),
    leadership: absent<AdminNode['leadership']>('leadership'),
    merge: () => Promise.reject(new Error('no merge here')),
    backup: () => Promise.reject(new Error('the fake node has no backup')),
    why: absent<AdminNode['why']>('why'),
    faults: { set: () => none, clear: () => none, current: () => none },
    events: {
      subscribe(listener) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => void listeners.delete(listener) }
      },
    },
    change(parts) {
      const entries = Object.entries(status).map(([key, value]) => [
        key,
        { ...value, ...parts[key as keyof NodeStatus] },
      ])
      status = Object.fromEntries(entries) as NodeStatus
    },
    setMembers: (next) => {
      members = next
    },
    setLinks: (next) => {
      links = next
    },
    emit: (event) => {
      for (const listener of listeners) listener(event)
    },
    get listeners() {
      return listeners.size
    },
  }
}
