// Nodes that consist of their links only: real links over the memory transport, with everything they tell written down.

import { after } from 'node:test'
import { Links, type LinksOptions } from '../../../src/links/links.ts'
import { MemoryNetwork, type MemoryTransport } from '../../../src/transport/memory.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import type { LocalHello } from '../../../src/wire/handshake.ts'
import type { WireMessage } from '../../../src/wire/message.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import { sampleHello } from '../wire/sample-messages.ts'

const open: LinkedNode[] = []
after(async () => {
  for (const node of open.splice(0)) await node.links.close('stopping')
})

export interface NodeSettings {
  readonly hello?: Partial<LocalHello>
  readonly secret?: string
  readonly admit?: LinksOptions['admit']
  /** Wraps the memory transport. */
  readonly wrap?: (transport: MemoryTransport) => Transport
}

export function helloOf(id: string, changes: Partial<LocalHello> = {}): LocalHello {
  const { magic: _, versionMin: _min, versionMax: _max, features: _features, proof: _proof, ...hello } = sampleHello
  return { ...hello, id, name: `name of ${id}`, fresh: false, ...changes }
}

/** One life of a node. */
export class LinkedNode {
  readonly id: string
  readonly network: MemoryNetwork
  readonly clock = new FakeClock()
  readonly transport: Transport
  readonly links: Links
  /** `up id`, `down id reason`, in order; a loss has the reason `lost`. */
  readonly told: string[] = []
  readonly messages: WireMessage[] = []
  readonly refusals: string[] = []
  readonly unexpected: string[] = []
  readonly counts: string[] = []
  hello: LocalHello
  address = ''

  constructor(network: MemoryNetwork, id: string, settings: NodeSettings = {}) {
    this.id = id
    this.network = network
    this.hello = helloOf(id, settings.hello)
    const transport = network.transport(id)
    this.transport = settings.wrap?.(transport) ?? transport
    this.links = new Links({
      transport: this.transport,
      keyring: new Keyring([settings.secret ?? 'the secret of the cluster']),
      hello: () => this.hello,
      admit: settings.admit ?? (() => undefined),
      clock: this.clock,
      random: Math.random,
      turn: { enter: (work) => work() },
      onUp: ({ peer }) => this.told.push(`up ${peer.id}`),
      onDown: ({ peer }, end) => this.told.push(`down ${peer.id} ${end.announced ? end.reason : 'lost'}`),
      onMessage: (_link, message) => this.messages.push(message),
      onRefused: (error, side) => this.refusals.push(`${side} ${error.code}`),
      onUnexpected: (expected) => this.unexpected.push(expected),
      count: (reason) => this.counts.push(reason),
    })
    open.push(this)
  }

  async listen(address = '127.0.0.1:0'): Promise<this> {
    this.address = await this.transport.listen(address, (connection) => void this.links.accept(connection))
    this.hello = { ...this.hello, address: this.address }
    return this
  }
}

/** Two nodes that listen, not linked yet; `a` is the lower id. */
export async function pair(network = new MemoryNetwork()): Promise<[LinkedNode, LinkedNode]> {
  return [await new LinkedNode(network, 'a').listen(), await new LinkedNode(network, 'b').listen()]
}
