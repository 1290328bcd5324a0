// Which steps of Raft the rest of a node is told of.

import type { RaftView } from '../../consensus/index.ts'

/** Whether anybody but the voter itself can see the difference. */
export function isVisible(before: RaftView, after: RaftView): boolean {
  return (
    before.role !== after.role ||
    before.term !== after.term ||
    before.leader !== after.leader ||
    before.commitIndex !== after.commitIndex ||
    before.configuration !== after.configuration
  )
}
