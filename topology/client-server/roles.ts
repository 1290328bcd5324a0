// Who serves and who is served, a function of the members and the voters, so that all who know the same agree.
//
//   some declare `server`              those serve; everybody else is a client
//   nobody declares anything           the voters serve
//   no live server                     the voters serve meanwhile, and those that are down stay wanted
//   some `client`, none `server`       refused before a switch (`ERR_NO_SERVER_NODES`)

import type { OverlayRefusal } from '../overlay.ts'
import type { MemberId, MemberRecord } from '../types.ts'

/** Who serves now. */
export interface Serving {
  /** Serve and are believed to be there, sorted. */
  readonly live: readonly MemberId[]
  /** Would serve, and are believed to be down: linked again as soon as they answer. Sorted. */
  readonly down: readonly MemberId[]
}

export function servingOf(members: readonly MemberRecord[], voters: readonly MemberId[]): Serving {
  const known = members.filter(({ state }) => state !== 'left')
  const declared = known.filter(({ roles }) => roles.includes('server'))
  const isVoter = new Set(voters)
  const substitutes = known.filter(({ id }) => isVoter.has(id))
  const live = [declared, substitutes].map(liveOf).find((ids) => ids.length > 0) ?? []
  const down = declared.length > 0 && live.length > 0 ? declared : [...declared, ...substitutes]
  return { live, down: sorted(new Set(down.filter(({ state }) => state === 'down').map(({ id }) => id))) }
}

/** The refusal of design rule 20. */
export function roleRefusal(members: readonly MemberRecord[]): OverlayRefusal | undefined {
  const known = members.filter(({ state }) => state !== 'left')
  const clients = known.filter(({ roles }) => roles.includes('client'))
  if (clients.length === 0 || known.some(({ roles }) => roles.includes('server'))) return undefined
  const message = `${clients.length} members declare the role client and none declares server`
  return { code: 'ERR_NO_SERVER_NODES', message }
}

/** Those that drain get no clients as long as others serve. */
function liveOf(members: readonly MemberRecord[]): MemberId[] {
  const live = members.filter(({ state }) => state !== 'down')
  const staying = live.filter(({ condition }) => condition !== 'draining')
  return sorted(new Set((staying.length > 0 ? staying : live).map(({ id }) => id)))
}

function sorted(ids: Iterable<MemberId>): MemberId[] {
  return [...ids].sort()
}
