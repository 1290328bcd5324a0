// What the programs in `fixtures/` print, one JSON object a line, and how tests read it. `at`, `from` and `to` are
// microseconds of the machine's monotonic clock, which is one and the same for all processes.

import type { ClusterProcess } from '../../src/testing/process-member.ts'

export type Recorded =
  /** The factory of S5 was called. */
  | { readonly type: 'hosting'; readonly at: number; readonly token: number }
  /** Somewhere between `from` and `to` the lease held. */
  | { readonly type: 'held'; readonly token: number; readonly from: number; readonly to: number }
  /** Reading the token failed. */
  | { readonly type: 'lost'; readonly at: number; readonly token: number; readonly code: string }
  /** The signal of S5 aborted. */
  | { readonly type: 'aborted'; readonly at: number; readonly token: number }
  /** A decision was acknowledged. */
  | {
      readonly type: 'decided'
      readonly at: number
      readonly token: number
      readonly index: number
      readonly n: number
    }
  /** The last decision that this member knows is now this one. */
  | { readonly type: 'decision'; readonly at: number; readonly index: number; readonly n: number }
  /** A command of S5 arrived. */
  | { readonly type: 'command'; readonly at: number; readonly token: number; readonly from: string }
  /** What a member answered to a command that was sent with an old token. */
  | {
      readonly type: 'answer'
      readonly at: number
      readonly token: number
      readonly member: string
      readonly code: string
    }
  /** A member changed in this one's table. */
  | {
      readonly type: 'member'
      readonly at: number
      readonly name: string
      readonly state: string
      readonly condition: string
      readonly incarnation: number
    }
  | { readonly type: 's5'; readonly at: number; readonly host: string | null; readonly phase: string }
  | { readonly type: 'leader'; readonly at: number; readonly leader: string | null; readonly term: number }
  /** A lock was acquired. */
  | { readonly type: 'locked'; readonly at: number; readonly token: number }
  /** What a resource that guards itself answered to whoever had this token. */
  | { readonly type: 'worked'; readonly at: number; readonly token: number; readonly answer: string }
  /** It has left and stopped; nothing keeps it any more. */
  | { readonly type: 'left'; readonly at: number }

type Of<Type extends Recorded['type']> = Extract<Recorded, { type: Type }>

/** What was read already, by process: waits look again and again. */
const parsed = new WeakMap<ClusterProcess, Recorded[]>()

/** Everything of one type that a process has printed so far, in its order. */
export function recorded<Type extends Recorded['type']>(node: ClusterProcess, type: Type): Of<Type>[] {
  const events = parsed.get(node) ?? []
  parsed.set(node, events)
  for (const line of node.output.slice(events.length)) events.push(JSON.parse(line))
  return events.filter((event): event is Of<Type> => event.type === type)
}

/** The same of all of them, each with the name of its process. */
export function recordedByAll<Type extends Recorded['type']>(
  nodes: readonly ClusterProcess[],
  type: Type,
): (Of<Type> & { readonly node: string })[] {
  return nodes.flatMap((node) => recorded(node, type).map((event) => ({ ...event, node: node.name })))
}

/** Now, on the clock of the records. */
export function clock(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
