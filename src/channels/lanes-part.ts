// The lanes as a part of a node.

import type { NodeContext, NodePart } from '../node-part.ts'
import type { Link, LinkEnd } from '../wire/link.ts'
import type { WireMessage } from '../wire/message.ts'
import { SocketLanes } from './socket-lanes.ts'

export class LanesPart implements NodePart {
  readonly lanes: SocketLanes

  constructor(context: NodeContext) {
    const { self, toolbox } = context
    const onBusy = (peer: string): void => context.relay().keep(peer)
    this.lanes = new SocketLanes({ self, links: () => context.links, toolbox, onBusy })
  }

  async start(): Promise<void> {
    this.lanes.start()
  }

  linkUp(link: Link): void {
    this.lanes.linkUp(link)
  }

  linkDown(link: Link, { reason }: LinkEnd): void {
    this.lanes.linkDown(link, reason === 'idle')
  }

  receive(link: Link, message: WireMessage): boolean {
    if (message.type !== 'lane') return false
    this.lanes.receive(link, message.kind, message.body)
    return true
  }

  close(): void {
    this.lanes.close()
  }
}
