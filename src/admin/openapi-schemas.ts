// The shapes of everything that the admin API answers, as JSON Schema (draft 2020-12, as OpenAPI 3.1 has it). A test
// validates what a running node answers against them; objects are closed, so that a field nobody described is noticed.

export type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const truth: Schema = { type: 'boolean' }
const whole: Schema = { type: 'integer', minimum: 0 }
export const orNull = (type: 'string' | 'integer'): Schema => ({ type: [type, 'null'] })
export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
const list = (items: Schema): Schema => ({ type: 'array', items })
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })

/** A reference to one of {@link schemas}. */
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

/** An answer in JSON. */
export const json = (description: string, name: string): { description: string; schema: Schema } => ({
  description,
  schema: ref(name),
})

/** A closed object; those named in `optional` may be absent. */
export function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

/** One cluster event: what all have, and what this one has. */
const event = (type: string, properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema =>
  object(
    { type: { const: type }, at: described(whole, 'Milliseconds since the epoch, for people only.'), ...properties },
    optional,
  )

const topology = { name: text, epoch: whole, phase: ref('TopologyPhase') }
const s5 = {
  host: described(orNull('string'), 'Null: none that counts, as far as this node knows.'),
  phase: oneOf('inactive', 'activating', 'active', 'draining'),
  fencingToken: described(orNull('integer'), 'The log index of the entry that activated the host.'),
}

const faults = {
  block: described(list(text), 'Names of members to and from whom nothing passes.'),
  direction: described(oneOf('in', 'out', 'both'), 'As seen from this node.'),
  stallMs: described(whole, 'Milliseconds for which the event loop is going to stand still.'),
}

export const schemas: Readonly<Record<string, Schema>> = {
  Condition: oneOf('ok', 'stalled', 'draining'),
  TopologyPhase: oneOf('stable', 'preparing', 'verifying', 'draining'),
  Status: object({
    node: object({ id: text, name: text, address: text, roles: list(text), condition: ref('Condition') }),
    cluster: object({
      id: described(orNull('string'), 'Null until this node has been admitted to a cluster.'),
      name: text,
      size: described(whole, 'Members that have not left.'),
      alive: whole,
    }),
    topology: object(topology),
    consensus: object({
      role: oneOf('leader', 'candidate', 'pre-candidate', 'follower', 'learner', 'none'),
      term: whole,
      leader: orNull('string'),
      commitIndex: whole,
      quorum: truth,
      voters: list(text),
      learners: list(text),
    }),
    s5: object(s5),
  }),
  Member: object({
    id: described(text, 'The libp2p PeerId of its key.'),
    name: text,
    address: text,
    state: oneOf('alive', 'suspect', 'down', 'left'),
    condition: ref('Condition'),
    incarnation: described(whole, 'Of one member the larger is the newer.'),
    roles: list(text),
    zone: text,
  }),
  Members: object({ members: list(ref('Member')) }),
  Link: object({
    peer: text,
    kind: oneOf('overlay', 'pinned', 'on-demand'),
    channels: list(oneOf('coordination', 'events', 'gossip', 'data')),
    pinned: truth,
  }),
  LinkMap: object({
    links: list(
      object({
        ends: { type: 'array', items: text, minItems: 2, maxItems: 2 },
        kind: oneOf('overlay', 'pinned', 'on-demand'),
        pinned: truth,
      }),
    ),
    told: described(list(text), 'Members that told their links: what neither end tells is not known.'),
    unanswered: list(object({ name: text, problem: text })),
    notAsked: described(whole, 'Members left out, because the links of all would be too many.'),
  }),
  Topology: object({ ...topology, links: list(ref('Link')), history: list(ref('PastSwitch')) }),
  PastSwitch: object({
    epoch: described(whole, 'Of the cluster after it.'),
    from: text,
    to: text,
    outcome: oneOf('committed', 'aborted'),
    reason: described(orNull('string'), 'Why it was aborted.'),
    at: described(whole, 'Milliseconds since the epoch, for people only.'),
  }),
  SwitchOrder: object(
    {
      name: described(text, 'The topology to switch to.'),
      expectFrom: described(text, 'Only if this is the topology now.'),
      timeoutMs: { type: 'integer', minimum: 1, maximum: 600_000 },
      dryRun: described(truth, 'Only say what the switch would mean.'),
    },
    ['expectFrom', 'timeoutMs', 'dryRun'],
  ),
  SwitchReport: object(
    {
      epoch: described(whole, 'Of the cluster afterwards.'),
      from: text,
      to: text,
      outcome: oneOf('committed', 'aborted', 'already-current', 'planned'),
      durationMs: whole,
      nodes: list(
        object({
          name: text,
          progress: oneOf('waiting', 'prepared', 'verified', 'struck', 'refused'),
          afterMs: whole,
          adopted: truth,
        }),
      ),
      reason: described(orNull('string'), 'Why it was aborted.'),
      plan: described(ref('SwitchPlan'), 'Of `planned` only.'),
    },
    ['plan'],
  ),
  SwitchPlan: object({
    links: ref('Estimate'),
    linksPerMember: ref('Estimate'),
    hops: ref('Estimate'),
    cost: object({
      linksToOpen: described({ type: 'number' }, 'At most.'),
      linksAtOnce: described({ type: 'number' }, 'Until the old ones are closed.'),
      processorMs: described({ type: 'number' }, 'Of all members together, to open them.'),
      memberMebibytes: described(ref('Estimate'), 'For the links of the member that has most.'),
    }),
    risks: list(text),
  }),
  Estimate: object({ now: { type: 'number' }, after: { type: 'number' } }),
  Healthy: object({ healthy: { const: true } }),
  Ready: object({ ready: { const: true } }),
  NotReady: object({ ready: { const: false }, reason: text }),
  Token: object({ token: text }),
  FaultRequest: object(faults, ['block', 'direction', 'stallMs']),
  Faults: object(faults),
  MemberEvent: event('member', {
    change: object(
      {
        type: oneOf('added', 'changed', 'removed'),
        member: ref('Member'),
        previous: described(ref('Member'), 'Of `changed` only.'),
      },
      ['previous'],
    ),
  }),
  LeaderEvent: event('leader', { leader: orNull('string'), term: whole }),
  S5Event: event('s5', s5),
  SwitchEvent: event('switch', {
    phase: oneOf('stable', 'preparing', 'verifying', 'draining', 'committed', 'aborted'),
    name: described(text, 'What the node routes by now.'),
    epoch: whole,
    to: described(text, 'Where it goes.'),
  }),
  AdviceEvent: event('advice', {
    from: described(text, 'The topology that there is.'),
    to: described(text, 'Where the leader now switches to by itself.'),
    rule: described(text, 'The rule that decided.'),
    because: described(text, 'Why, as a sentence.'),
  }),
  LinkEvent: event('link', { peer: text, state: oneOf('up', 'down'), reason: text }, ['reason']),
  CongestionEvent: event('congestion', {
    channel: oneOf('coordination', 'events', 'gossip', 'data'),
    peer: described(text, 'To whom it waits.'),
    state: oneOf('congested', 'relieved'),
    cause: described(oneOf('consumer', 'link'), 'Handlers there are slow, or the connection takes no more.'),
  }),
  Past: object({
    events: {
      type: 'array',
      items: {
        oneOf: [
          'MemberEvent',
          'LeaderEvent',
          'S5Event',
          'SwitchEvent',
          'AdviceEvent',
          'LinkEvent',
          'CongestionEvent',
        ].map(ref),
      },
    },
  }),
  Alive: object({}),
}

/** The details of each code that the admin API answers with. */
export const errorDetails = {
  ERR_BAD_REQUEST: { problem: text },
  ERR_BAD_OPTIONS: { problems: list(text) },
  ERR_UNKNOWN_CHANNEL: { channel: text },
  ERR_MEMBER_DOWN: { member: text },
  ERR_NO_ROUTE: { member: text },
  ERR_NO_HANDLER: { member: text, subject: text },
  ERR_HANDLER_FAILED: { member: text, subject: text, reason: text },
  ERR_DEADLINE_EXCEEDED: { operation: text, deadlineMs: whole },
  ERR_UNAUTHORIZED: {},
  ERR_FORBIDDEN: { role: text, needs: text },
  ERR_FORBIDDEN_ORIGIN: { header: text, value: text },
  ERR_FAULTS_NOT_ALLOWED: {},
  ERR_UNKNOWN_MEMBER: { member: text },
  ERR_UNKNOWN_SERVICE: { service: text },
  ERR_NOT_FOUND: { path: text },
  ERR_METHOD_NOT_ALLOWED: { method: text, allowed: list(text) },
  ERR_LOCK_HELD: { name: text, owner: text, token: whole },
  ERR_STALE_TOKEN: { token: whole, current: whole },
  ERR_LEASE_LOST: { lease: text, fencingToken: whole },
  ERR_MERGE_REFUSED: { reason: text, names: list(text) },
  ERR_FOREIGN_CLUSTER: { address: text, ours: text, theirs: text },
  ERR_WRONG_SECRET: { address: text },
  ERR_VERSION_MISMATCH: { address: text, ours: text, theirs: text },
  ERR_HANDSHAKE_FAILED: { address: text, reason: text },
  ERR_UPGRADE_PENDING: { level: whole, agreed: whole },
  ERR_NOT_LEADER: { leader: text },
  ERR_KEY_NOT_FOUND: { key: text },
  ERR_COMPACTED: { compacted: whole },
  ERR_REVISION_MISMATCH: { key: text, revision: whole },
  ERR_INVALID_VALUE: { key: text, issues: list(text) },
  ERR_CONFIG_FULL: { reason: text },
  ERR_UNSUPPORTED: { feature: text, engine: text },
  ERR_NO_QUORUM: { voters: list(text) },
  ERR_TIMEOUT: { operation: text, timeoutMs: whole },
  ERR_PAYLOAD_TOO_LARGE: { bytes: whole, limit: whole },
  ERR_UPGRADE_REQUIRED: { protocol: text },
  ERR_UNSUPPORTED_MEDIA_TYPE: { contentType: text },
  ERR_BUFFER_FULL: { queue: text, limit: whole },
  ERR_UNKNOWN_TOPOLOGY: { name: text, known: list(text) },
  ERR_SWITCH_IN_PROGRESS: { to: text },
  ERR_TOPOLOGY_MISMATCH: { expected: text, current: text },
  ERR_NO_SERVER_NODES: { topology: text },
  ERR_SHUTTING_DOWN: {},
  ERR_INTERNAL: {},
} as const satisfies Readonly<Record<string, Readonly<Record<string, Schema>>>>

export type AdminErrorCode = keyof typeof errorDetails

/** The body of an error with that code. */
export function errorSchema(code: AdminErrorCode): Schema {
  return object({
    code: { const: code },
    message: described(text, 'For people. Tell errors apart by `code`.'),
    details: object(errorDetails[code]),
    retryable: described(truth, 'The same call may succeed later without anyone changing anything.'),
    mayHaveHappened: described(truth, 'The call may have taken effect although it failed.'),
  })
}
