// One screen of `trellis top`: what one node knows of its cluster, as lines that fit the terminal. Pure: the same
// picture and size give the same lines. State is said in words, colour only repeats it.

import { incarnationNumber, type MemberView, type NodeStatus, type TopologyView } from '../../node-interface.ts'
import { printable, table } from '../output.ts'

/** What was last heard. Undefined: nothing yet. */
export interface Picture {
  readonly url: string
  readonly status: NodeStatus | undefined
  readonly members: readonly MemberView[]
  readonly topology: TopologyView | undefined
  /** Newest last. */
  readonly events: readonly string[]
  /** Why the picture is old; undefined while it is fresh. */
  readonly lost: string | undefined
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** The newest events are always seen, if there is room for anything. */
const shownEvents = 5

/** Exactly `rows` lines or fewer, none longer than `columns`. */
export function draw(picture: Picture, { columns, rows }: Size): string[] {
  const head = headLines(picture)
  const events = picture.events.slice(-shownEvents)
  const room = Math.max(0, rows - head.length - events.length - 4)
  const lines = [...head, '', ...memberLines(picture, room), '', ...events.map(printable)]
  const footer = 'q quits'
  const body = lines.slice(0, Math.max(0, rows - 1))
  return [...body, ...new Array<string>(Math.max(0, rows - 1 - body.length)).fill(''), footer]
    .slice(-Math.max(0, rows))
    .map((line) => [...line].slice(0, columns).join(''))
}

function headLines({ url, status, topology, lost }: Picture): string[] {
  // First, so that it is seen however narrow the terminal is.
  const about = lost === undefined ? '' : `NOT ANSWERING: ${lost}; what is shown is old  `
  if (status === undefined) return [printable(`${about}${url}`)]
  const { node, cluster, consensus, s5 } = status
  const leader = consensus.leader === null ? 'no leader' : `leader ${consensus.leader}`
  const quorum = consensus.quorum ? 'quorum' : 'NO QUORUM'
  const host = s5.host === null ? 'nowhere' : `on ${s5.host}, token ${s5.fencingToken ?? '-'}`
  return [
    `${about}${cluster.name} as ${node.name} sees it (${url})`,
    `${cluster.alive} of ${cluster.size} alive   ${leader}, term ${consensus.term}, commit ${consensus.commitIndex}, ${quorum}`,
    `S5 ${s5.phase} ${host}   ${status.topology.name}, epoch ${status.topology.epoch}, ${topology?.links.length ?? 0} links here`,
  ].map(printable)
}

/** Who is not well first, then by name; what does not fit is counted. */
function memberLines({ members, status }: Picture, room: number): string[] {
  const isWell = ({ state, condition }: MemberView): boolean => state === 'alive' && condition === 'ok'
  const sorted = [...members].sort(
    (a, b) => Number(isWell(a)) - Number(isWell(b)) || a.name.localeCompare(b.name, 'en', { numeric: true }),
  )
  const fits = sorted.length <= room ? sorted.length : Math.max(0, room - 1)
  const rows = sorted.slice(0, fits).map((member) => {
    const { name, state, condition, address, incarnation } = member
    return [partOf(name, status), name, state, condition, address, lifeText(incarnation)]
  })
  const lines = table(['PART', 'NAME', 'STATE', 'CONDITION', 'ADDRESS', 'LIFE'], rows).trimEnd().split('\n')
  return fits < sorted.length ? [...lines, `and ${sorted.length - fits} more`] : lines
}

/** Which life of the member it is, and how often it refuted suspicion in it: `3`, `3, refuted 2`. */
function lifeText(incarnation: number): string {
  const oneLife = incarnationNumber({ generation: 1, refutation: 0 })
  const refuted = incarnation % oneLife
  return `${Math.floor(incarnation / oneLife)}${refuted === 0 ? '' : `, refuted ${refuted}`}`
}

function partOf(name: string, status: NodeStatus | undefined): string {
  const parts = [
    status?.consensus.leader === name ? 'leader' : status?.consensus.voters.includes(name) ? 'voter' : '',
    status?.s5.host === name ? 'S5' : '',
  ]
  return parts.filter((part) => part !== '').join(',') || '-'
}
