// Who is meant by a name or an id. A name may have been another member's before: who is here now comes first.

import type { MemberRecord } from '../topology/index.ts'
import { checkText } from './call-options.ts'
import { ClusterError } from './errors.ts'

/**
 * The member that `nameOrId` means. Throws `ERR_BAD_OPTIONS` for what is no text, `ERR_UNKNOWN_MEMBER`, or
 * `ERR_MEMBER_DOWN` when it is known and not here.
 */
export function memberCalled(nameOrId: string, members: readonly MemberRecord[]): MemberRecord {
  checkText('the name or id of a member', nameOrId)
  const fits = (record: MemberRecord): boolean => record.id === nameOrId || record.name === nameOrId
  const isHere = ({ state }: MemberRecord): boolean => state === 'alive' || state === 'suspect'
  const member = members.find((record) => fits(record) && isHere(record)) ?? members.find(fits)
  if (!member) throw new ClusterError('ERR_UNKNOWN_MEMBER', `no member is called '${nameOrId}'`, { member: nameOrId })
  if (isHere(member)) return member
  throw new ClusterError('ERR_MEMBER_DOWN', `${member.name} is ${member.state}`, { member: member.name })
}
