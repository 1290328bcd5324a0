// What the dashboard shows of the cluster, made of what `/v1/events` says and of nothing else: one dot per member, with
// its parts and how this node is linked to it, and the links between the others. Pure, so that tests need no browser;
// `browser/` draws it.

import type { LinkMap } from '../../link-survey/link-map.ts'
import {
  incarnationNumber,
  type LinkView,
  type MemberView,
  type NodeStatus,
  type TopologyView,
} from '../../node-interface.ts'
import { conditionSign, stateSign } from './words.ts'

/**
 * `up`: measured, this node has a link to it. `missing`: the overlay wants one and there is none. `none`: neither, as
 * with members that are gone.
 */
export type OwnLink = 'up' | 'missing' | 'none'

/** A member as it is drawn. */
export interface Dot {
  readonly member: MemberView
  readonly isSelf: boolean
  readonly isLeader: boolean
  readonly isVoter: boolean
  readonly hostsS5: boolean
  /** Of S5, on its host while it is active. */
  readonly fencingToken: number | null
  readonly ownLink: OwnLink
  readonly link: LinkView | undefined
}

/**
 * A link between two other members. `up`: one of them told it. `missing`: one of them was asked and has none, though
 * the overlay wants one. `expected`: the overlay wants one, and neither has told its links.
 */
export interface OtherLink {
  /** Ids of its ends. */
  readonly ends: readonly [string, string]
  readonly state: 'up' | 'missing' | 'expected'
  readonly kind: LinkView['kind']
}

export interface Picture {
  /** In order of zone and name. */
  readonly dots: readonly Dot[]
  readonly otherLinks: readonly OtherLink[]
  /** Links of this node that are up to members. */
  readonly ownLinks: number
}

/** What the links between the other members are made of. */
export interface LinkFacts {
  readonly self: string
  readonly overlay: string
  readonly members: readonly MemberView[]
  /** Undefined until the others have told. */
  readonly map: LinkMap | undefined
}

export interface Facts {
  readonly status: NodeStatus
  readonly members: readonly MemberView[]
  /** Undefined until it has come. */
  readonly topology: TopologyView | undefined
  /** As {@link otherLinks} makes them. */
  readonly otherLinks: readonly OtherLink[]
}

/** The overlay in which everybody wants a link to everybody. */
const mesh = 'full-mesh'

const byName = new Intl.Collator('en', { numeric: true })

export function picture({ status, members, topology, otherLinks }: Facts): Picture {
  const isMesh = status.topology.name === mesh
  const voters = new Set(status.consensus.voters)
  const links = new Map(topology?.links.map((link) => [link.peer, link]))
  const dots = members.map((member): Dot => {
    const isSelf = member.id === status.node.id
    const hostsS5 = isCurrent(member) && member.name === status.s5.host
    const link = isSelf ? undefined : links.get(member.name)
    const isWanted = isMesh && !isSelf && topology !== undefined && isPresent(member)
    return {
      member,
      isSelf,
      isLeader: isCurrent(member) && member.name === status.consensus.leader,
      isVoter: isCurrent(member) && voters.has(member.name),
      hostsS5,
      fencingToken: hostsS5 ? status.s5.fencingToken : null,
      ownLink: link ? 'up' : isWanted ? 'missing' : 'none',
      link,
    }
  })
  return {
    dots: dots.sort((a, b) => byName.compare(a.member.zone, b.member.zone) || compareNames(a.member, b.member)),
    otherLinks,
    ownLinks: dots.filter(({ ownLink }) => ownLink === 'up').length,
  }
}

/** A function of its own, for it grows with the square of a mesh and changes less often than the rest. */
export function otherLinks({ self, overlay, members, map }: LinkFacts): readonly OtherLink[] {
  const others = members.filter((member) => member.id !== self && isPresent(member))
  const ids = new Map(others.map(({ name, id }) => [name, id]))
  const up = (map?.links ?? []).flatMap(({ ends, kind }): OtherLink[] => {
    const [a, b] = ends.map((name) => ids.get(name))
    return a === undefined || b === undefined ? [] : [{ ends: [a, b], state: 'up', kind }]
  })
  if (overlay !== mesh) return up
  const told = new Set(map?.told)
  const known = new Set(map?.links.map(({ ends }) => pairOf(...ends)))
  const wanted = others.flatMap((a, index) =>
    others.slice(index + 1).flatMap((b): OtherLink[] => {
      if (known.has(pairOf(a.name, b.name))) return []
      const isTold = told.has(a.name) || told.has(b.name)
      return [{ ends: [a.id, b.id], state: isTold ? 'missing' : 'expected', kind: 'overlay' }]
    }),
  )
  return [...up, ...wanted]
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

/** A name may stand twice: once for a member that left and once for whoever has the name now. */
function isCurrent({ state }: MemberView): boolean {
  return state !== 'left'
}

/** Nobody keeps links to members that are down or left. */
export function isPresent({ state }: Pick<MemberView, 'state'>): boolean {
  return state === 'alive' || state === 'suspect'
}

export function compareNames(a: { readonly name: string }, b: { readonly name: string }): number {
  return byName.compare(a.name, b.name)
}

/** The life of a member, and how often it had to contradict its own death in it. */
export function lifeOf({ incarnation }: MemberView): { readonly generation: number; readonly refutation: number } {
  const oneGeneration = incarnationNumber({ generation: 1, refutation: 0 })
  return { generation: Math.floor(incarnation / oneGeneration), refutation: incarnation % oneGeneration }
}

/** The parts a member plays, in words. */
export function partsOf(dot: Dot): string[] {
  const s5 = dot.fencingToken === null ? 'hosts S5' : `hosts S5 with token ${dot.fencingToken}`
  return [
    ...(dot.isSelf ? ['this node'] : []),
    ...(dot.isLeader ? ['leader'] : []),
    ...(dot.hostsS5 ? [s5] : []),
    ...(dot.isVoter ? ['voter'] : []),
  ]
}

/** All that the drawing says of a member, as one sentence for those who do not see it. */
export function sentenceOf(dot: Dot): string {
  const { name, state, condition } = dot.member
  const link =
    dot.ownLink === 'up' ? ['linked to this node'] : dot.ownLink === 'missing' ? ['no link to this node'] : []
  return [name, state, ...(condition === 'ok' ? [] : [condition]), ...partsOf(dot), ...link].join(', ')
}

/** State and condition with their signs, as every place of the page writes them. */
export function stateText({ state, condition }: MemberView): string {
  return condition === 'ok' || !isPresent({ state })
    ? `${stateSign[state]} ${state}`
    : `${stateSign[state]} ${state}, ${conditionSign[condition]} ${condition}`
}

export function linkCount(count: number): string {
  return count === 1 ? '1 link' : `${count} links`
}
