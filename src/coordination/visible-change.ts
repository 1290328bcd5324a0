// Which steps of Raft the rest of a node is told of.

import type { RaftView } from '../../consensus/index.ts'

/** Whether the node must hear at once: of who leads and who votes. That entries were applied it hears a turn later. */
export function isVisible(before: RaftView, after: RaftView): boolean {
  return (
    before.role !== after.role ||
    before.term !== after.term ||
    before.leader !== after.leader ||
    before.configuration !== after.configuration
  )
}
