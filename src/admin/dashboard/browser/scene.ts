// One moment of the picture as both ways of drawing get it.

import { type Dot, isPresent, type OtherLink, type Picture } from '../model.ts'
import { conditionSign } from '../words.ts'
import type { Body } from './layout.ts'

export interface Placed {
  readonly dot: Dot
  readonly body: Body
}

export interface Scene {
  readonly picture: Picture
  readonly placed: readonly Placed[]
  readonly width: number
  readonly height: number
  /** How many letters of a name have room below a mark; 0: only those of notable members are shown. */
  readonly letters: number
  /** The member that is pointed at, has the focus or is open in the panel. */
  readonly active: string | undefined
  readonly isMoving: boolean
}

/** Above, labels of ordinary members would cover each other. */
export const maxLabelled = 60

/** The crown of whoever leads, 22 wide, standing on (0, 0). */
export const crown = 'M-11-1-13-13-6-7.5 0-16 6-7.5 13-13 11-1Z'

/** A link between two other members, and where its ends are drawn. */
export interface Line {
  readonly link: OtherLink
  readonly from: Placed
  readonly to: Placed
}

export function otherLines({ picture, placed }: Scene): Line[] {
  const places = new Map(placed.map((each) => [each.body.id, each]))
  return picture.otherLinks.flatMap((link): Line[] => {
    const [from, to] = link.ends.map((id) => places.get(id))
    return from && to ? [{ link, from, to }] : []
  })
}

export function isNotable({ member, isSelf, isLeader, hostsS5 }: Dot): boolean {
  return isSelf || isLeader || hostsS5 || member.state !== 'alive' || member.condition !== 'ok'
}

/** What stands in a large mark: the number of its name, or how the name begins. */
export function monogram(name: string): string {
  return /(\d{1,3})$/.exec(name)?.[1] ?? name.slice(0, 2)
}

/** The second line of a label: what the mark alone might not tell. */
export function remarks({ member, isSelf, isLeader, hostsS5, fencingToken }: Dot): string {
  const state = member.state === 'alive' ? [] : [member.state]
  const isThere = isPresent(member) && member.condition !== 'ok'
  return [
    ...state,
    ...(isThere ? [`${conditionSign[member.condition]} ${member.condition}`] : []),
    ...(isLeader ? ['leader'] : []),
    ...(hostsS5 ? [fencingToken === null ? 'S5' : `S5 #${fencingToken}`] : []),
    ...(isSelf ? ['this node'] : []),
  ].join(' · ')
}
