// The contract between the log and what it means. A machine is deterministic: the same entries in the same order give the
// same state and the same replies on every voter, today and after a replay. No clock, no chance; time enters only as
// agreed commands. The compliance suite in `src/testing/compliance/state-machine.ts` checks every sentence.

import type { LogIndex, Term } from './types.ts'

/** Where in the log the command stands. */
export interface ApplyMeta {
  readonly index: LogIndex
  readonly term: Term
}

export interface StateMachine<Command, Reply, State> {
  /** Never throws on any command that the codec lets through: what cannot be done is a reply that says so, and changes nothing. */
  apply(meta: ApplyMeta, command: Command): Reply
  /** The whole state as plain data, detached from the machine. Replaying the log equals restoring this and replaying the tail. */
  snapshot(): State
  restore(state: State): void
}
