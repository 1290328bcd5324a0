// The messages of Raft as bytes. What they mean: `consensus/messages.ts`.

import type { ClusterCommand } from '../../consensus/machines/commands.ts'
import type { RaftMessage } from '../../consensus/messages.ts'
import type { Entry, Snapshot } from '../../consensus/types.ts'
import { bool, bytes, type Codec, type Family, family, list, optional, struct, text, varint } from './codec.ts'
import { MAX_ENTRIES_PER_APPEND, MAX_SNAPSHOT_CHUNK_BYTES, MAX_SNAPSHOT_ID_BYTES } from './limits.ts'
import { configuration, content } from './log-entry.ts'
import { frameNumbers } from './message-numbers.ts'

const place = struct({ index: varint, term: varint })
const entry: Codec<Entry<ClusterCommand>> = {
  encode: (writer, value) => {
    place.encode(writer, value)
    content.encode(writer, value)
  },
  decode: (reader) => ({ ...place.decode(reader), ...content.decode(reader) }),
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
  'timeout-now': struct({ term: varint, round: varint }),
  'transfer-vote': question,
  'read-index': struct({ term: varint, round: varint }),
  'read-index-reply': struct({ term: varint, round: varint, index: optional(varint) }),
  snapshot: struct({ term: varint, round: varint, snapshot, offset: varint, bytes: bytes(MAX_SNAPSHOT_CHUNK_BYTES) }),
  'snapshot-reply': struct({ term: varint, round: varint, index: varint, id: snapshotId, offset: varint }),
})
