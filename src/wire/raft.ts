// The messages of Raft as bytes. What they mean: `consensus/messages.ts`.

import type { ClusterCommand } from '../../consensus/machines/commands.ts'
import type { RaftMessage } from '../../consensus/messages.ts'
import type { Entry, Snapshot } from '../../consensus/types.ts'
import { bool, bytes, type Codec, type Family, family, list, optional, struct, text, varint } from './codec.ts'
import { MAX_ENTRIES_PER_APPEND, MAX_SNAPSHOT_CHUNK_BYTES, MAX_SNAPSHOT_ID_BYTES } from './limits.ts'
import { configuration, content } from './log-entry.ts'
import { frameNumbers } from './message-numbers.ts'

// What comes with every write is written out: it takes half of what a table of fields takes, and what it makes has the
// form that Raft gives it.

const entry: Codec<Entry<ClusterCommand>> = {
  encode: (writer, value) => {
    writer.varint(value.index)
    writer.varint(value.term)
    content.encode(writer, value)
  },
  decode: (reader) => {
    const index = reader.varint()
    const term = reader.varint()
    const { command, configuration } = content.decode(reader)
    return configuration === undefined ? { index, term, command } : { index, term, command: undefined, configuration }
  },
}
const entries = list(entry, MAX_ENTRIES_PER_APPEND)

type Append = Extract<RaftMessage<ClusterCommand>, { type: 'append' }>
const append: Codec<Append> = {
  encode: (writer, message) => {
    writer.varint(message.term)
    writer.varint(message.round)
    writer.varint(message.previousIndex)
    writer.varint(message.previousTerm)
    writer.varint(message.commitIndex)
    entries.encode(writer, message.entries)
  },
  decode: (reader) => ({
    type: 'append',
    term: reader.varint(),
    round: reader.varint(),
    previousIndex: reader.varint(),
    previousTerm: reader.varint(),
    commitIndex: reader.varint(),
    entries: entries.decode(reader),
  }),
}

type AppendReply = Extract<RaftMessage<ClusterCommand>, { type: 'append-reply' }>
const appendReply: Codec<AppendReply> = {
  encode: (writer, message) => {
    writer.varint(message.term)
    writer.varint(message.round)
    bool.encode(writer, message.accepted)
    writer.varint(message.matchIndex)
    writer.varint(message.hintIndex)
    writer.varint(message.hintTerm)
  },
  decode: (reader) => ({
    type: 'append-reply',
    term: reader.varint(),
    round: reader.varint(),
    accepted: bool.decode(reader),
    matchIndex: reader.varint(),
    hintIndex: reader.varint(),
    hintTerm: reader.varint(),
  }),
}

const snapshotId = text(MAX_SNAPSHOT_ID_BYTES)
const snapshot: Codec<Snapshot> = struct({ index: varint, term: varint, configuration, id: snapshotId, size: varint })
const question = struct({ term: varint, round: varint, lastIndex: varint, lastTerm: varint })
const answer = struct({ term: varint, round: varint, granted: bool })

export const raftFamily: Family<RaftMessage<ClusterCommand>> = family(frameNumbers, {
  'pre-vote': question,
  'pre-vote-reply': answer,
  vote: question,
  'vote-reply': answer,
  append,
  'append-reply': appendReply,
  'timeout-now': struct({ term: varint, round: varint }),
  'transfer-vote': question,
  'read-index': struct({ term: varint, round: varint }),
  'read-index-reply': struct({ term: varint, round: varint, index: optional(varint) }),
  snapshot: struct({ term: varint, round: varint, snapshot, offset: varint, bytes: bytes(MAX_SNAPSHOT_CHUNK_BYTES) }),
  'snapshot-reply': struct({ term: varint, round: varint, index: varint, id: snapshotId, offset: varint }),
})
