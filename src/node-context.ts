// What the features of a node may ask of it, made of the running node. They are made before its lifecycle, and ask only
// later.

import { memberCalled } from './addressee.ts'
import type { NodeContext } from './node-part.ts'
import type { RunningNode, RunningNodeOptions } from './running-node.ts'
import type { Toolbox } from './runtime/toolbox.ts'

export function nodeContext(
  node: RunningNode,
  { options, self, storage, faults, world, transport }: RunningNodeOptions,
  toolbox: Toolbox,
  says: Pick<NodeContext, 'emit' | 'fail' | 'engineChanged'>,
): NodeContext {
  return {
    self,
    world,
    faults,
    openTopics: transport.openTopics,
    options,
    storage,
    transport,
    toolbox,
    get requests() {
      return node.lifecycle.requests
    },
    get links() {
      return node.lifecycle.links
    },
    coordination: () => node.lifecycle.coordination,
    overlays: () => node.lifecycle.routes.overlays,
    relay: () => node.lifecycle.routes.relay,
    stage: () => node.lifecycle.stage,
    members: () => node.members(),
    linkViews: () => node.links(),
    evidence: (id) => node.lifecycle.membership?.evidence(id),
    liveness: (report) => node.lifecycle.membership?.put({ type: 'liveness', ...report }),
    nameOf: (id) => node.lifecycle.nameOf(id),
    route: (member) => memberCalled(member, node.lifecycle.members()).id,
    ...says,
  }
}
