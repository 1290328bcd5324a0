// The contract between the log and what it means. A machine is deterministic: the same entries in the same order give
// the same state and the same replies on every voter, today and after a replay. No clock, no chance; time enters only
// as agreed commands. To the core a machine's state is opaque: a snapshot is an index, a term, a configuration, and
// bytes that the driver makes of `snapshot()` and gives back to `restore()` (thesis section 5.1). The compliance suite
// in `src/testing/compliance/state-machine.ts` checks every sentence.

import type { LogIndex, Term } from './types.ts'

/** Where in the log the command stands. */
export interface ApplyMeta {
  readonly index: LogIndex
  readonly term: Term
}

export interface StateMachine<Command, Reply, State> {
  /**
   * Never throws on any command that the codec lets through: what cannot be done is a reply that says so, and changes
   * nothing.
   */
  apply(meta: ApplyMeta, command: Command): Reply
  /**
   * The whole state as plain data, detached from the machine: what is applied later does not change it, so that it can
   * be written while the machine goes on. Called synchronously on the effect `capture`, when the machine stands right
   * behind that entry; it may cost what copying references costs, the encoding is done later. Replaying the log equals
   * restoring this and replaying the tail.
   */
  snapshot(): State
  /**
   * Replaces the whole state, on the effect `restore` or before the core starts. `state` was decoded from a checked
   * snapshot.
   */
  restore(state: State): void
}
