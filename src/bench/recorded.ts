// What the members under measurement print, and how it is read. Times are milliseconds of the machine's monotonic
// clock.

import type { ConsensusRole, MemberViewState } from '../node-interface.ts'
import type { ClusterProcess } from '../testing/process-member.ts'

export type Recorded =
  /** The program was loaded, and makes its node now. */
  | { readonly type: 'begun'; readonly at: number }
  /** It sees so many members alive, itself included. */
  | { readonly type: 'alive'; readonly at: number; readonly count: number }
  /** It sees a member so. */
  | { readonly type: 'state'; readonly at: number; readonly name: string; readonly state: MemberViewState }
  /** Its role or term is another one than at `since`. */
  | {
      readonly type: 'role'
      readonly at: number
      readonly since: number
      readonly role: ConsensusRole
      readonly term: number
    }
  /** The first entry of its own term as a leader is committed. */
  | { readonly type: 'committed'; readonly at: number; readonly term: number }
  /** S5 began, and stopped, here. */
  | { readonly type: 'hosting'; readonly at: number; readonly token: number }
  | { readonly type: 'stopped'; readonly at: number; readonly token: number }
  /** Its event loop stood still until now. */
  | { readonly type: 'blocked'; readonly at: number }

type Of<Type extends Recorded['type']> = Extract<Recorded, { type: Type }>

/** Now, on the clock of the records. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const parsed = new WeakMap<ClusterProcess, Recorded[]>()

/** Everything of one type that a process has printed after `from`, in its order. */
export function recorded<Type extends Recorded['type']>(
  node: ClusterProcess,
  type: Type,
  from = Number.NEGATIVE_INFINITY,
): Of<Type>[] {
  const events = parsed.get(node) ?? []
  parsed.set(node, events)
  for (const line of node.output.slice(events.length)) events.push(JSON.parse(line))
  return events.filter((event): event is Of<Type> => event.type === type && event.at > from)
}

/** The earliest of one type that any of `nodes` has printed after `from`. */
export function earliest<Type extends Recorded['type']>(
  nodes: readonly ClusterProcess[],
  type: Type,
  from: number,
): (Of<Type> & { readonly node: ClusterProcess }) | undefined {
  return nodes
    .flatMap((node) => recorded(node, type, from).map((event) => ({ ...event, node })))
    .sort((a, b) => a.at - b.at)[0]
}
