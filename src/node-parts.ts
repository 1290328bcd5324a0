// Which features a node has beside membership and agreement: one line each, in the order in which they start. A part's public
// face is a field of `NodeFeatures`, which the running node hands on.

import { type NodeContext, NodeParts } from './node-part.ts'

/** The parts of one node, and what its users see of them. */
export interface NodeFeatures {
  readonly parts: NodeParts
}

export function createFeatures(_context: NodeContext): NodeFeatures {
  return { parts: new NodeParts([]) }
}
