// Every bound on what a remote can make this node read or keep, by name. A sender refuses to encode what its receiver
// would refuse to decode. Raising a number is a change of the wire format: the peers of the last release must accept
// it first (docs/wire-format.md, "Versions").

/** Ids, PeerIds as text: 52 characters for an Ed25519 key. */
export const MAX_ID_BYTES = 128
/** A member's name. */
export const MAX_NAME_BYTES = 128
/** The cluster's name. */
export const MAX_CLUSTER_NAME_BYTES = 128
/** A cluster id, or the id of a log. */
export const MAX_STORE_ID_BYTES = 128
/** `host:port`: a DNS name of 253, brackets, colon and port. */
export const MAX_ADDRESS_BYTES = 264
export const MAX_ROLES = 16
export const MAX_ROLE_BYTES = 64
export const MAX_ZONE_BYTES = 64
/** A name of a topology, a singleton, a channel. */
export const MAX_LABEL_BYTES = 64
/** Why a peer refused or left: a code, and one line for people. */
export const MAX_REASON_BYTES = 32
export const MAX_DETAIL_BYTES = 512
/** What shows that a member itself said something of itself: eight bytes of its process, and an Ed25519 signature. */
export const MAX_SIGNATURE_BYTES = 72
/** What shows that a later life of somebody was seen: its numbers, a digest of the rest, and the signature. */
export const MAX_EVIDENCE_BYTES = 160
/** Shown by further channels of a link. */
export const MAX_TICKET_BYTES = 64

/** Updates that ride on one message of SWIM; a full table travels as records instead. */
export const MAX_UPDATES_PER_MESSAGE = 256
export const MAX_RECORDS_PER_MESSAGE = 256
/** Members that can form a cluster together. */
export const MAX_FOUNDERS = 1024
export const MAX_VOTERS = 16
/** Members that hold the log and have no vote. */
export const MAX_LEARNERS = 16
/** Fresh nodes that one introduces to another at a time. */
export const MAX_CONTACTS = 256

/** Entries in one append of Raft. */
export const MAX_ENTRIES_PER_APPEND = 64
/** The payload of one decision kept in the log. */
export const MAX_DECISION_BYTES = 64 * 1024
/** Members that one switch of the topology can require. */
export const MAX_REQUIRED_MEMBERS = 1024
/** One command as bytes: a decision with its names and numbers. */
export const MAX_COMMAND_BYTES = MAX_DECISION_BYTES + 1024

/** Bytes of a snapshot in one message of Raft. */
export const MAX_SNAPSHOT_CHUNK_BYTES = 1024 * 1024
/** What tells one snapshot's bytes from another's. */
export const MAX_SNAPSHOT_ID_BYTES = 128
/** A key of config, and the JSON text of its value. */
export const MAX_CONFIG_KEY_BYTES = 512
export const MAX_CONFIG_VALUE_BYTES = 64 * 1024
/** What a holder says of itself, for example in an election. */
export const MAX_CLAIM_VALUE_BYTES = 4_096
/** Members that a cluster which is dissolved is told of, of the one that it goes over to. */
export const MAX_MERGE_MEMBERS = 16
/** Conditions, and operations of a branch, of one write. */
export const MAX_CONFIG_OPERATIONS = 128

/** The user's payload in one envelope. Larger things are chunked above. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024
export const MAX_SUBJECT_BYTES = 256
export const MAX_KEY_BYTES = 256
/** Publishers that one causal message can depend on. */
export const MAX_DEPENDENCIES = 64
/** The error of a handler, in an acknowledgement. */
export const MAX_FAILURE_BYTES = 8 * 1024
/** W3C `traceparent` has 55 characters. */
export const MAX_TRACE_BYTES = 64

/** Hops that an envelope travels at most. */
export const MAX_HOPS = 16
/** Everything of an envelope on a lane but its payload: all of its texts at their longest. */
export const MAX_LANE_HEAD_BYTES = 2048
/** The payload of one frame of a lane; larger ones travel in pieces of this size. */
export const MAX_CHUNK_BYTES = 64 * 1024
export const MAX_LANE_FRAME_BYTES = MAX_CHUNK_BYTES + MAX_LANE_HEAD_BYTES
/** The payload of one message on a lane, put together again by its receiver. */
export const MAX_TRANSFER_BYTES = 1024 * 1024 * 1024
/** Payloads that one connection may have under way in pieces. */
export const MAX_OPEN_TRANSFERS = 4

/** A message of an overlay, as its own codec wrote it: HyParView's largest carries some hundred ids. */
export const MAX_OVERLAY_MESSAGE_BYTES = 64 * 1024

/** What one broadcast carries: the largest payload of a user, and what is said about it. */
export const MAX_BROADCAST_BYTES = MAX_PAYLOAD_BYTES + 4 * 1024
/** Broadcasts named in one `i-have`. */
export const MAX_ANNOUNCEMENTS_PER_MESSAGE = 128
/** Neighbors of one member in HyParView. */
export const MAX_NEIGHBORS = 64
/** Hops of a random walk, each of which stands in its path. */
export const MAX_WALK_HOPS = 16
/** Candidates in one shuffle: the sender, its neighbors, and some of its passive view. */
export const MAX_SHUFFLE_CANDIDATES = 128
/** Members whose neighbors stand in one message; senders bound the ids in it too. */
export const MAX_ADJACENCIES_PER_MESSAGE = 128

/** A frame before the peer is admitted: a hello with every field at its maximum fits. */
export const MAX_HANDSHAKE_FRAME_BYTES = 4096
/** What may arrive on an established link before its owner takes it over. */
export const MAX_EARLY_BYTES = 1024 * 1024
/** A frame of an established link: a full append is the largest message there is. */
export const MAX_FRAME_BYTES = MAX_ENTRIES_PER_APPEND * (MAX_COMMAND_BYTES + 32) + 64 * 1024
