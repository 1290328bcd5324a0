// The lanes as a part of a node.

import type { NodeContext, NodePart } from '../node-part.ts'
import type { Link } from '../wire/link.ts'
import type { WireMessage } from '../wire/message.ts'
import { SocketLanes } from './socket-lanes.ts'

export class LanesPart implements NodePart {
  readonly lanes: SocketLanes

  constructor(context: NodeContext) {
    const { self, toolbox } = context
    this.lanes = new SocketLanes({ self, links: () => context.links, toolbox })
  }

  async start(): Promise<void> {
    this.lanes.start()
  }

  linkUp(link: Link): void {
    this.lanes.linkUp(link)
  }

  linkDown(link: Link): void {
    this.lanes.linkDown(link)
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
