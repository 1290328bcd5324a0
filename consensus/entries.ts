// The only place where entries come into the log and go out of it, so that the configurations among them come and go
// with them (thesis section 4.1).

import type { RaftState } from './state.ts'
import type { Entry, LogIndex } from './types.ts'

/** Puts entries behind the last one; the configurations among them are in force. */
export function appendEntries<Command>(raft: RaftState<Command>, entries: readonly Entry<Command>[]): void {
  raft.log.append(entries)
  for (const { index, configuration } of entries) {
    if (configuration !== undefined) raft.configurations.add(index, configuration)
  }
}

/** Removes the entry at `first` and all after it, with what they configured. */
export function truncateFrom<Command>(raft: RaftState<Command>, first: LogIndex): void {
  raft.log.truncateFrom(first)
  raft.configurations.truncateFrom(first)
}
