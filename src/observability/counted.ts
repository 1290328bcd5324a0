// From a node's counters, which are names, to Prometheus' counters, which are names with labels. Whatever has no family
// of its own is something that was dropped. Names come from this code, but a reason may hold what a socket said, so the
// labels of a family are bounded here once more.

/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Values of one family at most; the rest is one more, `other`. */
export const MAX_REASONS = 64
const MAX_REASON_LENGTH = 64

interface CountedFamily {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** The labels of a counter of that name; undefined: it is not of this family. */
  readonly labelsOf: (counter: string) => Readonly<Record<string, string>> | undefined
}

/** The first family that takes a counter has it. */
export const countedFamilies: readonly CountedFamily[] = [
  {
    name: 'trellis_handshakes_refused_total',
    help: 'Handshakes that led to no link, by the side this node was on and the reason.',
    labels: ['side', 'reason'],
    labelsOf: (counter) => {
      const match = /^handshake-(dialer|acceptor)-(.*)$/s.exec(counter)
      return match ? { side: match[1]!, reason: match[2]! } : undefined
    },
  },
  {
    name: 'trellis_strangers_refused_total',
    help: 'Connections that were turned away before they had proven an identity, by reason.',
    labels: ['reason'],
    labelsOf: prefixed('stranger-', 'reason'),
  },
  {
    name: 'trellis_raft_elections_total',
    help: 'Elections of this voter by how far they came: pre-candidate, candidate, leader.',
    labels: ['stage'],
    labelsOf: prefixed('election-', 'stage'),
  },
  {
    name: 'trellis_raft_proposals_total',
    help: 'Commands that this node proposed as leader, by outcome: committed, or failed (a refusal, a lost leadership, a timeout).',
    labels: ['outcome'],
    labelsOf: prefixed('proposal-', 'outcome'),
  },
  {
    name: 'trellis_leader_changes_total',
    help: 'Times this node learned of a leader it did not know as such.',
    labels: [],
    labelsOf: (counter) => (counter === 'leader-change' ? {} : undefined),
  },
  {
    name: 'trellis_liveness_probes_total',
    help: 'Questions to the liveness workers of members that did not answer a probe: asked, answered.',
    labels: ['outcome'],
    labelsOf: prefixed('liveness-', 'outcome'),
  },
  {
    name: 'trellis_absences_total',
    help: 'Times the process did not run for a while: stopped, suspended, or its event loop blocked.',
    labels: [],
    labelsOf: (counter) => (counter === 'away' ? {} : undefined),
  },
  {
    name: 'trellis_dropped_total',
    help: 'Messages that were dropped instead of handled or sent, by reason.',
    labels: ['reason'],
    labelsOf: (reason) => ({ reason }),
  },
]

/** Every family with its values, a family that has none yet included. */
export function countedSamples(counters: Readonly<Record<string, number>>): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Map<string, Sample>>(countedFamilies.map(({ name }) => [name, new Map()]))
  for (const [counter, value] of Object.entries(counters)) {
    for (const family of countedFamilies) {
      const labels = family.labelsOf(counter)
      if (labels === undefined) continue
      add(found.get(family.name)!, bounded(labels), value)
      break
    }
  }
  return new Map([...found].map(([name, samples]) => [name, startingAtZero(name, [...samples.values()])]))
}

/** A counter without labels is there from the first moment on, so that its first step shows. */
function startingAtZero(name: string, samples: readonly Sample[]): readonly Sample[] {
  const family = countedFamilies.find((it) => it.name === name)
  return samples.length === 0 && family?.labels.length === 0 ? [{ labels: {}, value: 0 }] : samples
}

function add(samples: Map<string, Sample>, labels: Sample['labels'], value: number): void {
  const isKnown = samples.has(JSON.stringify(labels))
  const kept = isKnown || samples.size < MAX_REASONS ? labels : others(labels)
  const key = JSON.stringify(kept)
  samples.set(key, { labels: kept, value: (samples.get(key)?.value ?? 0) + value })
}

function others(labels: Sample['labels']): Sample['labels'] {
  return Object.fromEntries(Object.keys(labels).map((label) => [label, 'other']))
}

function bounded(labels: Sample['labels']): Sample['labels'] {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, value.slice(0, MAX_REASON_LENGTH)]))
}

function prefixed(prefix: string, label: string) {
  return (counter: string) => (counter.startsWith(prefix) ? { [label]: counter.slice(prefix.length) } : undefined)
}
