// Keeps a picture of a cluster as one node sees it, for as long as it is wanted: the stream of events, and when it
// breaks, a new one after a second. What cannot get better by waiting (a wrong token, a wrong URL) is thrown.

import { isClusterError } from '../../errors.ts'
import type { ClusterEvent, MemberView, NodeStatus, TopologyView } from '../../node-interface.ts'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import type { AdminClientOptions } from '../admin-client.ts'
import { RemoteError } from '../failure.ts'
import { type StreamEvent, watchEvents } from './event-stream.ts'
import type { Picture } from './view.ts'

const retryMs = 1_000
const keptEvents = 100

/** What happened, beside the picture it led to. */
export interface Happening {
  readonly picture: Picture
  /** A change as one line; undefined for snapshots. */
  readonly line: string | undefined
  /** What was heard, for programs. */
  readonly heard: StreamEvent
}

/** Yields each time something is heard, or is no longer. Ends when `signal` aborts. */
export async function* follow(
  options: AdminClientOptions,
  signal: AbortSignal,
): AsyncGenerator<Happening, void, undefined> {
  let picture: Picture = {
    url: options.url,
    status: undefined,
    members: [],
    topology: undefined,
    events: [],
    lost: undefined,
  }
  while (!signal.aborted) {
    let why = 'it closed the stream'
    try {
      for await (const heard of watchEvents(options, signal)) {
        const isBack = picture.lost !== undefined
        if (isBack) {
          picture = remember({ ...picture, lost: undefined }, `${time(Date.now())} it answers again`)
          yield { picture, line: picture.events.at(-1), heard: { event: 'back', data: {} } }
        }
        const line = picture.status === undefined ? greetingOf(heard) : lineOf(heard)
        picture = line === undefined ? apply(picture, heard) : remember(apply(picture, heard), line)
        yield { picture, line, heard }
      }
    } catch (error) {
      // One that never answered is more likely a wrong URL than a node that comes back.
      const isHopeless = picture.status === undefined && isClusterError(error, 'ERR_UNREACHABLE')
      if (isHopeless || error instanceof RemoteError || isClusterError(error, 'ERR_USAGE')) throw error
      why = error instanceof Error ? error.message : String(error)
    }
    if (signal.aborted) return
    if (picture.lost === undefined) {
      picture = remember({ ...picture, lost: why }, `${time(Date.now())} it does not answer: ${why}`)
      yield { picture, line: picture.events.at(-1), heard: { event: 'lost', data: { reason: why } } }
    }
    await pause(systemClock, retryMs, signal)
  }
}

function remember(picture: Picture, line: string): Picture {
  return { ...picture, events: [...picture.events, line].slice(-keptEvents) }
}

function apply(picture: Picture, { event, data }: StreamEvent): Picture {
  if (event === 'status') return { ...picture, status: data as NodeStatus }
  if (event === 'members') return { ...picture, members: (data as { members: readonly MemberView[] }).members }
  if (event === 'topology') return { ...picture, topology: data as TopologyView }
  return picture
}

/** How things stand when the first snapshot comes. */
function greetingOf({ event, data }: StreamEvent): string | undefined {
  if (event !== 'status') return undefined
  const { node, cluster, consensus } = data as NodeStatus
  const leader = consensus.leader === null ? 'nobody leads' : `${consensus.leader} leads, term ${consensus.term}`
  return `${time(Date.now())} ${node.name} sees ${cluster.alive} of ${cluster.size} alive, ${leader}`
}

/** A change in words. Events that this release does not know have none. */
export function lineOf({ event, data }: StreamEvent): string | undefined {
  if (!['member', 'leader', 's5', 'switch', 'advice', 'link', 'congestion'].includes(event)) return undefined
  const change = data as ClusterEvent
  const at = time(change.at)
  if (change.type === 'member') {
    const { name, state, condition } = change.change.member
    const how =
      change.change.type === 'removed' ? 'is forgotten' : `is ${state}${condition === 'ok' ? '' : `, ${condition}`}`
    return `${at} ${name} ${how}`
  }
  if (change.type === 'leader') return `${at} ${change.leader ?? 'nobody'} leads, term ${change.term}`
  if (change.type === 's5')
    return `${at} S5 is ${change.phase}${change.host === null ? '' : ` on ${change.host}, token ${change.fencingToken}`}`
  if (change.type === 'switch')
    return `${at} topology ${change.name}, epoch ${change.epoch}: ${change.phase} (${change.to})`
  if (change.type === 'advice')
    return `${at} the adviser switches ${change.from} to ${change.to}: ${change.because} (${change.rule})`
  if (change.type === 'congestion')
    return `${at} ${change.channel} to ${change.peer} is ${change.state} (${change.cause})`
  return `${at} the link to ${change.peer} is ${change.state}${change.reason ? ` (${change.reason})` : ''}`
}

function time(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : '--:--:--.---'
}
