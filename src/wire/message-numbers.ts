// The numbers of everything that travels or is stored. Append only: a number is never changed and never used again,
// so that an old release can at least say what it does not know. Ranges leave each family room to grow.

/** The `kind` byte of a frame. */
export const frameNumbers = {
  hello: 1,
  accept: 2,
  refuse: 3,
  goodbye: 4,

  ping: 16,
  ack: 17,
  'ping-req': 18,
  nack: 19,
  gossip: 20,
  'push-pull': 21,

  candidate: 32,
  confirm: 33,
  renounce: 34,
  formed: 35,
  contacts: 36,
  inquire: 37,
  vouch: 38,

  'pre-vote': 48,
  'pre-vote-reply': 49,
  vote: 50,
  'vote-reply': 51,
  append: 52,
  'append-reply': 53,
  'timeout-now': 54,
  'transfer-vote': 55,
  'read-index': 56,
  'read-index-reply': 57,
  snapshot: 58,
  'snapshot-reply': 59,

  record: 64,
  envelope: 80,
  'lane-message': 81,
  'lane-transfer': 82,
  'lane-chunk': 83,
  'lane-stop': 84,
  'lane-credit': 85,
  'lane-end': 86,
  'lane-open': 87,

  overlay: 96,
  hold: 97,

  push: 104,
  'i-have': 105,
  graft: 106,
  prune: 107,
} as const

/** Messages of HyParView, inside the frame of an overlay. */
export const hyParViewNumbers = {
  join: 1,
  'forward-join': 2,
  neighbor: 3,
  'neighbor-reply': 4,
  disconnect: 5,
  shuffle: 6,
  'shuffle-reply': 7,
  'keep-alive': 8,
  links: 9,
} as const
export const neighborPriorityNumbers = { low: 0, high: 1 } as const

/** What an update of SWIM says. */
export const updateNumbers = { record: 1, accusation: 2 } as const

/** Commands of clients: they stand in the log by themselves, or inside `in-session`. */
export const clientCommandNumbers = {
  write: 48,
  claim: 49,
  'renew-claim': 50,
  'end-claim': 51,
  'expire-claim': 52,
  count: 53,
} as const

/** Commands of the cluster's log, on the wire and on disk. */
export const commandNumbers = {
  'bind-name': 1,
  activate: 2,
  release: 3,
  decide: 4,
  'agree-level': 5,
  dissolve: 6,

  'found-topology': 16,
  'propose-topology': 17,
  'strike-member': 18,
  'commit-topology': 19,
  'abort-topology': 20,

  'open-session': 32,
  'in-session': 33,
  ...clientCommandNumbers,
} as const

/** What else an entry of the log can carry, in the place of a command's number. */
export const logEntryNumbers = { configuration: 240 } as const

/** What can be claimed. */
export const claimKindNumbers = { lock: 1, semaphore: 2, election: 3, barrier: 4, singleton: 5 } as const

/** What a write of config asks first, and what it does. */
export const conditionTestNumbers = { revision: 1, exists: 2 } as const
export const operationNumbers = {
  set: 1,
  delete: 2,
  rollback: 3,
  'merge-count': 4,
  'merge-item': 5,
  'merge-latest': 6,
} as const

export const memberStateNumbers = { alive: 0, suspect: 1, down: 2, left: 3 } as const
export const conditionNumbers = { ok: 0, draining: 1, stalled: 2 } as const
export const accusationKindNumbers = { silent: 0, refused: 1 } as const
export const envelopeKindNumbers = { message: 0, request: 1, reply: 2, error: 3, ack: 4, newest: 5, causal: 6 } as const
/** What delivery says to delivery, in the payload of an envelope of kind `ack`. */
export const deliveryNumbers = { acknowledgement: 1, floor: 2, piece: 3, placed: 4 } as const
/** What the destination of a payload in pieces says of it. */
export const placedStateNumbers = { wanted: 0, done: 1, refused: 2 } as const
/** Why an end of a link holds it. */
export const holdKindNumbers = { none: 0, 'on-demand': 1, overlay: 2, pinned: 3 } as const
export const encodingNumbers = { bytes: 0, json: 1 } as const
export const channelNumbers = { coordination: 0, events: 1, gossip: 2, data: 3 } as const
