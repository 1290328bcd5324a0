// The messages of Raft as bytes. What they mean: `consensus/messages.ts`.

import type { ClusterCommand } from '../../consensus/machines/commands.ts'
import type { RaftMessage } from '../../consensus/messages.ts'
import type { Entry } from '../../consensus/types.ts'
import { bool, type Codec, type Family, family, list, optional, struct, varint } from './codec.ts'
import { command } from './command.ts'
import { MAX_ENTRIES_PER_APPEND } from './limits.ts'
import { frameNumbers } from './message-numbers.ts'

const entry: Codec<Entry<ClusterCommand>> = struct({ index: varint, term: varint, command: optional(command) })
const question = struct({ term: varint, round: varint, lastIndex: varint, lastTerm: varint })
const answer = struct({ term: varint, round: varint, granted: bool })

export const raftFamily: Family<RaftMessage<ClusterCommand>> = family(frameNumbers, {
  'pre-vote': question,
  'pre-vote-reply': answer,
  vote: question,
  'vote-reply': answer,
  append: struct({
    term: varint,
    round: varint,
    previousIndex: varint,
    previousTerm: varint,
    commitIndex: varint,
    entries: list(entry, MAX_ENTRIES_PER_APPEND),
  }),
  'append-reply': struct({
    term: varint,
    round: varint,
    accepted: bool,
    matchIndex: varint,
    hintIndex: varint,
    hintTerm: varint,
  }),
})
